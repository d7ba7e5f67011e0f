//! OpenAPI 3.0 for tools that do not read 3.1. The two differ in their schemas; the rest of the document stays.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Converts a document of version 3.1 in place.
pub fn convert(document: &mut Value) {
    document["openapi"] = "3.0.3".into();
    if let Some(document) = document.as_object_mut() {
        document.retain(|name, _| !matches!(name.as_str(), "jsonSchemaDialect" | "webhooks"));
    }
    if let Some(info) = document["info"].as_object_mut() {
        info.remove("summary");
        if let Some(license) = info.get_mut("license").and_then(Value::as_object_mut) {
            license.remove("identifier");
        }
    }
    if let Some(components) = document["components"].as_object_mut() {
        components.remove("pathItems");
        for schema in components.get_mut("schemas").and_then(Value::as_object_mut).into_iter().flatten() {
            convert_schema(schema.1);
        }
    }
    find_schemas(document);
    let kinds = kinds_of(&document["components"]["schemas"]);
    type_nullable_references(document, &kinds);
}

/// Converts the schemas of parameters, headers and bodies: each is a member `schema`.
fn find_schemas(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object.iter_mut() {
                match name.as_str() {
                    "schema" => convert_schema(value),
                    // The bodies of examples are data, and the named schemas are converted already.
                    "example" | "examples" | "schemas" => {}
                    _ => find_schemas(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(find_schemas),
        _ => {}
    }
}

fn convert_schema(schema: &mut Value) {
    match schema {
        Value::Bool(true) => *schema = json!({}),
        Value::Bool(false) => *schema = json!({ "not": {} }),
        Value::Object(object) => convert_object(object),
        _ => {}
    }
}

fn convert_object(schema: &mut Map<String, Value>) {
    for name in ["properties", "patternProperties"] {
        for (_, inner) in schema.get_mut(name).and_then(Value::as_object_mut).into_iter().flatten() {
            convert_schema(inner);
        }
    }
    for name in ["allOf", "anyOf", "oneOf", "prefixItems"] {
        schema.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().for_each(convert_schema);
    }
    for name in ["items", "not", "additionalProperties", "contains"] {
        // `additionalProperties` may be a truth value in 3.0 too.
        if let Some(inner) =
            schema.get_mut(name).filter(|inner| inner.is_object() || name != "additionalProperties")
        {
            convert_schema(inner);
        }
    }
    types(schema);
    null_choice(schema);
    constant(schema);
    exclusive_bounds(schema);
    first_example(schema);
    tuples(schema);
    media_type(schema);
    reference(schema);
    schema.retain(|name, _| !UNKNOWN.contains(&name.as_str()));
}

/// Keywords of 3.1 that 3.0 does not have and that only restrict or annotate a schema.
const UNKNOWN: [&str; 21] = [
    "$schema",
    "$id",
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "contains",
    "minContains",
    "maxContains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "patternProperties",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// `type: [T, "null"]` becomes `type: T, nullable: true`; several types become alternatives.
fn types(schema: &mut Map<String, Value>) {
    let kinds = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.clone(),
        Some(Value::String(kind)) if kind == "null" => vec![json!("null")],
        _ => return,
    };
    let null = json!("null");
    let others: Vec<&Value> = kinds.iter().filter(|kind| **kind != null).collect();
    schema.remove("type");
    match others.as_slice() {
        [] => {
            // 3.0 has no type for null alone: an object of which only null is allowed.
            schema.insert("type".to_owned(), "object".into());
            schema.insert("enum".to_owned(), json!([null]));
        }
        [only] => drop(schema.insert("type".to_owned(), (*only).clone())),
        several => {
            let choices: Vec<Value> = several.iter().map(|kind| json!({ "type": kind })).collect();
            schema.insert("anyOf".to_owned(), choices.into());
        }
    }
    if kinds.contains(&null) {
        schema.insert("nullable".to_owned(), true.into());
    }
}

/// A choice with null becomes the rest of the choice, which may be null.
fn null_choice(schema: &mut Map<String, Value>) {
    for name in ["oneOf", "anyOf"] {
        let Some(choices) = schema.get(name).and_then(Value::as_array) else { continue };
        // `types` has already converted the choice itself.
        let is_null = |choice: &Value| choice["nullable"] == true && choice["enum"] == json!([null]);
        let others: Vec<Value> = choices.iter().filter(|choice| !is_null(choice)).cloned().collect();
        if others.len() == choices.len() {
            continue;
        }
        schema.remove(name);
        schema.insert("nullable".to_owned(), true.into());
        let name = if others.len() == 1 { "allOf" } else { name };
        schema.insert(name.to_owned(), others.into());
    }
}

fn constant(schema: &mut Map<String, Value>) {
    if let Some(value) = schema.remove("const") {
        schema.insert("enum".to_owned(), json!([value]));
    }
}

/// Numbers as exclusive bounds become bounds with a truth value beside them. The tighter of two bounds of a side stays.
fn exclusive_bounds(schema: &mut Map<String, Value>) {
    for (exclusive, inclusive, sign) in
        [("exclusiveMinimum", "minimum", 1.0), ("exclusiveMaximum", "maximum", -1.0)]
    {
        let Some(bound) = schema.get(exclusive).filter(|bound| bound.is_number()).cloned() else { continue };
        let number = |value: &Value| value.as_f64().unwrap_or_default() * sign;
        if schema.get(inclusive).is_some_and(|other| number(other) > number(&bound)) {
            schema.remove(exclusive);
            continue;
        }
        schema.insert(inclusive.to_owned(), bound);
        schema.insert(exclusive.to_owned(), true.into());
    }
}

fn first_example(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(examples)) = schema.remove("examples")
        && let Some(first) = examples.into_iter().next()
    {
        schema.entry("example").or_insert(first);
    }
}

/// A tuple becomes an array whose items are any of its parts.
fn tuples(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(parts)) = schema.remove("prefixItems") {
        schema.insert("minItems".to_owned(), parts.len().into());
        schema.insert("maxItems".to_owned(), parts.len().into());
        schema.insert("items".to_owned(), json!({ "anyOf": parts }));
    }
}

/// Text with an encoding or media type becomes a format.
fn media_type(schema: &mut Map<String, Value>) {
    let format = match schema.get("contentEncoding").and_then(Value::as_str) {
        Some("base64") => "byte",
        _ if schema.contains_key("contentMediaType") => "binary",
        _ => return,
    };
    schema.insert("format".to_owned(), format.into());
}

/// A reference with members beside it, which 3.0 would ignore, becomes a composition.
fn reference(schema: &mut Map<String, Value>) {
    if schema.len() > 1
        && let Some(to) = schema.remove("$ref")
    {
        schema.insert("allOf".to_owned(), json!([{ "$ref": to }]));
    }
}

/// The types of named schemas by the references to them.
type Kinds = BTreeMap<String, Value>;

fn kinds_of(schemas: &Value) -> Kinds {
    let schemas = schemas.as_object().into_iter().flatten();
    schemas
        .filter_map(|(name, schema)| {
            Some((format!("#/components/schemas/{name}"), schema.get("type")?.clone()))
        })
        .collect()
}

/// Gives a reference that may be null the type of its schema: `nullable` has a meaning beside a type only.
fn type_nullable_references(value: &mut Value, kinds: &Kinds) {
    match value {
        Value::Object(object) => {
            if object.get("nullable") == Some(&true.into())
                && !object.contains_key("type")
                && let Some([only]) = object.get("allOf").and_then(Value::as_array).map(Vec::as_slice)
                && let Some(kind) = only["$ref"].as_str().and_then(|to| kinds.get(to))
            {
                object.insert("type".to_owned(), kind.clone());
            }
            for (name, value) in object.iter_mut() {
                // The bodies of examples are data.
                if !matches!(name.as_str(), "example" | "examples") {
                    type_nullable_references(value, kinds);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| type_nullable_references(item, kinds)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_that_differs_is_converted() {
        for (schema, expected) in [
            (
                json!({ "type": ["integer", "null"], "format": "int64" }),
                json!({ "type": "integer", "format": "int64", "nullable": true }),
            ),
            (
                json!({ "type": ["integer", "string"] }),
                json!({ "anyOf": [{ "type": "integer" }, { "type": "string" }] }),
            ),
            (json!({ "type": "null" }), json!({ "type": "object", "enum": [null], "nullable": true })),
            (
                json!({ "description": "x", "oneOf": [{ "$ref": "#/x" }, { "type": "null" }] }),
                json!({ "description": "x", "allOf": [{ "$ref": "#/x" }], "nullable": true }),
            ),
            (
                json!({ "anyOf": [{ "$ref": "#/x" }, { "$ref": "#/y" }, { "type": "null" }] }),
                json!({ "anyOf": [{ "$ref": "#/x" }, { "$ref": "#/y" }], "nullable": true }),
            ),
            (
                json!({ "$ref": "#/x", "description": "y" }),
                json!({ "allOf": [{ "$ref": "#/x" }], "description": "y" }),
            ),
            (json!({ "$ref": "#/x" }), json!({ "$ref": "#/x" })),
            (json!({ "const": 1 }), json!({ "enum": [1] })),
            (
                json!({ "type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10, "maximum": 5 }),
                json!({ "type": "integer", "minimum": 0, "exclusiveMinimum": true, "maximum": 5 }),
            ),
            (
                json!({ "type": "string", "examples": ["a", "b"] }),
                json!({ "type": "string", "example": "a" }),
            ),
            (
                json!({ "type": "array", "prefixItems": [{ "type": "string" }, { "const": 1 }] }),
                json!({ "type": "array", "minItems": 2, "maxItems": 2, "items": { "anyOf": [{ "type": "string" }, { "enum": [1] }] } }),
            ),
            (
                json!({ "type": "string", "contentEncoding": "base64" }),
                json!({ "type": "string", "format": "byte" }),
            ),
            (
                json!({ "type": "object", "properties": { "examples": { "type": ["string", "null"] } }, "propertyNames": {} }),
                json!({ "type": "object", "properties": { "examples": { "type": "string", "nullable": true } } }),
            ),
            (
                json!({ "items": true, "additionalProperties": false }),
                json!({ "items": {}, "additionalProperties": false }),
            ),
        ] {
            let mut converted = schema.clone();
            convert_schema(&mut converted);
            assert_eq!(converted, expected, "{schema}");
        }
    }

    #[test]
    fn schemas_are_found_wherever_they_stand_and_data_stays() {
        let nullable = json!({ "type": ["string", "null"] });
        let mut document = json!({
            "openapi": "3.1.0",
            "info": { "license": { "name": "x", "identifier": "y" }, "summary": "z" },
            "paths": { "/": { "get": {
                "parameters": [{ "name": "schemas", "schema": nullable }],
                "responses": { "200": {
                    "headers": { "ETag": { "schema": nullable } },
                    "content": { "application/json": { "schema": nullable, "examples": { "a": { "value": nullable } } } },
                } },
            } } },
            "components": { "schemas": { "schema": nullable }, "parameters": { "p": { "schema": nullable } } },
        });
        convert(&mut document);
        let text = document.to_string();
        assert_eq!(text.matches("\"nullable\":true").count(), 5, "{text}");
        assert_eq!(document["info"], json!({ "license": { "name": "x" } }));
        let get = &document["paths"]["/"]["get"];
        assert_eq!(
            get["responses"]["200"]["content"]["application/json"]["examples"]["a"]["value"],
            nullable
        );
    }

    #[test]
    fn a_reference_that_may_be_null_has_the_type_of_its_schema() {
        let choice = json!({ "oneOf": [{ "$ref": "#/components/schemas/Colour" }, { "type": "null" }] });
        let mut document = json!({
            "info": {},
            "components": { "schemas": {
                "Colour": { "type": "string", "enum": ["red", "blue"] },
                "Car": { "type": "object", "properties": { "colour": choice } },
            } },
        });
        convert(&mut document);
        assert_eq!(
            document["components"]["schemas"]["Car"]["properties"]["colour"],
            json!({ "allOf": [{ "$ref": "#/components/schemas/Colour" }], "nullable": true, "type": "string" })
        );
    }
}
