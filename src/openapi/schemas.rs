//! Brings schemas into the form that generators turn into plain types.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

const SCHEMAS: &str = "#/components/schemas/";

/// Replaces composition by plain objects, names of primitive types by the types, and the names of generic types by those of
/// their rows. Removes schemas that nothing refers to any more.
pub fn simplify(document: &mut Value) {
    let Some(Value::Object(schemas)) = document.pointer("/components/schemas").cloned() else { return };
    let is_primitive = |schema: &Value| {
        schema.get("enum").is_none()
            && schema["type"].as_str().is_some_and(|kind| !matches!(kind, "object" | "array"))
    };
    walk(document, &mut |object| {
        if let Some(schema) = target(object, &schemas).filter(|schema| is_primitive(schema)) {
            inline(object, schema);
        }
    });
    flatten(document);
    walk(document, &mut |object| {
        merge_null(object);
        rename_example(object);
    });
    rename(document);
    describe_answers(document);
    prune(document);
}

/// Calls `visit` for every object of the document, inner ones first.
pub fn walk(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(|value| walk(value, visit));
            visit(object);
        }
        Value::Array(items) => items.iter_mut().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

/// The schema that an object refers to.
fn target<'a>(object: &Map<String, Value>, schemas: &'a Map<String, Value>) -> Option<&'a Value> {
    schemas.get(object.get("$ref")?.as_str()?.strip_prefix(SCHEMAS)?)
}

/// Puts `schema` in the place of the reference to it. Members beside the reference stay.
fn inline(object: &mut Map<String, Value>, schema: &Value) {
    object.remove("$ref");
    for (name, value) in schema.as_object().into_iter().flatten() {
        object.entry(name).or_insert_with(|| value.clone());
    }
}

/// Merges each component that is composed of objects into one object.
fn flatten(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else {
        return;
    };
    let originals = schemas.clone();
    for schema in schemas.values_mut() {
        if let Some(merged) = merged(schema, &originals) {
            *schema = merged;
        }
    }
}

fn merged(schema: &Value, schemas: &Map<String, Value>) -> Option<Value> {
    let parts = schema["allOf"].as_array()?;
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts {
        let part = part.as_object().and_then(|part| target(part, schemas)).unwrap_or(part);
        let whole = merged(part, schemas);
        let part = whole.as_ref().unwrap_or(part);
        properties.extend(part["properties"].as_object()?.clone());
        required.extend(part["required"].as_array().into_iter().flatten().cloned());
    }
    // A row with its tier is described as the row.
    let described = parts.iter().find_map(|part| part["description"].as_str());
    let description = described.or(schema["description"].as_str()).unwrap_or_default();
    Some(json!({
        "type": "object", "description": description, "required": required, "properties": properties,
    }))
}

/// Writes `oneOf: [X, null]` as X that may be null, where X is not a reference, and lifts the description of X.
fn merge_null(object: &mut Map<String, Value>) {
    let Some(choices) = object.get("oneOf").and_then(Value::as_array) else { return };
    let nothing = json!({ "type": "null" });
    let (Some(other), 2) = (choices.iter().find(|choice| **choice != nothing), choices.len()) else { return };
    if !choices.contains(&nothing) {
        return;
    }
    let mut other = other.clone();
    let Some(members) = other.as_object_mut() else { return };
    if let Some(description) = members.remove("description") {
        object.insert("description".to_owned(), description);
    }
    if members.contains_key("$ref") || members.contains_key("enum") || !members.contains_key("type") {
        object.insert("oneOf".to_owned(), json!([other, nothing]));
        return;
    }
    object.remove("oneOf");
    for (name, value) in std::mem::take(members) {
        let value = if name == "type" { json!([value, "null"]) } else { value };
        object.entry(name).or_insert(value);
    }
}

/// Writes the `example` of a schema as OpenAPI 3.1 does.
fn rename_example(object: &mut Map<String, Value>) {
    let is_schema = object.contains_key("type") || object.contains_key("oneOf");
    if is_schema && let Some(example) = object.remove("example") {
        object.insert("examples".to_owned(), json!([example]));
    }
}

/// Names rows with their tier after the rows alone, which no answer holds.
fn rename(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else {
        return;
    };
    let plain = |name: &str| name.strip_prefix("Shown_").map(str::to_owned);
    let shown: Vec<String> = schemas.keys().filter(|name| plain(name).is_some()).cloned().collect();
    for name in shown {
        if let (Some(schema), Some(plain)) = (schemas.remove(&name), plain(&name)) {
            schemas.insert(plain, schema);
        }
    }
    walk(document, &mut |object| {
        let plain =
            object.get("$ref").and_then(Value::as_str).and_then(|to| plain(to.strip_prefix(SCHEMAS)?));
        if let Some(plain) = plain {
            object.insert("$ref".to_owned(), format!("{SCHEMAS}{plain}").into());
        }
    });
}

/// Describes each answer that the route left without a description as its schema is described.
fn describe_answers(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
    walk(document, &mut |object| {
        let is_response = object.contains_key("content") && object.contains_key("headers");
        let empty = object.get("description").and_then(Value::as_str).unwrap_or_default().is_empty();
        if !is_response || !empty {
            return;
        }
        let body = object["content"].as_object().and_then(|content| content.values().next());
        let name = body.and_then(|body| body["schema"]["$ref"].as_str()?.strip_prefix(SCHEMAS));
        let described = name.and_then(|name| schemas[name]["description"].as_str()).unwrap_or("The answer.");
        object.insert("description".to_owned(), described.into());
    });
}

/// Removes components that nothing refers to.
fn prune(document: &mut Value) {
    loop {
        let mut used = BTreeSet::new();
        walk(&mut document.clone(), &mut |object| {
            if let Some(to) = object.get("$ref").and_then(Value::as_str) {
                used.insert(to.to_owned());
            }
        });
        let mut removed = false;
        for kind in ["schemas", "responses", "headers", "parameters"] {
            let Some(components) = document["components"][kind].as_object_mut() else { continue };
            let before = components.len();
            components.retain(|name, _| used.contains(&format!("#/components/{kind}/{name}")));
            removed |= components.len() < before;
        }
        if !removed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composition_becomes_plain_objects() {
        let mut document = json!({
            "paths": { "/": { "$ref": "#/components/schemas/Page" } },
            "components": { "schemas": {
                "Amount": { "type": "number", "format": "double", "description": "An amount." },
                "Kind": { "type": "string", "enum": ["a", "b"] },
                "Info": { "type": "object", "required": ["total"], "properties": { "total": {
                    "oneOf": [{ "$ref": "#/components/schemas/Amount", "description": "All." }, { "type": "null" }],
                } } },
                "Row": { "type": "object", "properties": {} },
                "Shown_Row": { "description": "A row with its tier.", "allOf": [
                    { "type": "object", "description": "A row.", "required": ["id"], "properties": {
                        "id": { "type": "integer", "example": 7 },
                        "kind": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Kind", "description": "K." }] },
                    } },
                    { "type": "object", "required": ["cold"], "properties": { "cold": { "type": "boolean" } } },
                ] },
                "Page": { "description": "A page.", "allOf": [
                    { "$ref": "#/components/schemas/Info" },
                    { "type": "object", "required": ["rows"], "properties": {
                        "rows": { "type": "array", "items": { "$ref": "#/components/schemas/Shown_Row" } },
                    } },
                ] },
            } },
        });
        simplify(&mut document);
        assert_eq!(
            document["components"]["schemas"],
            json!({
                "Kind": { "type": "string", "enum": ["a", "b"] },
                "Row": { "type": "object", "description": "A row.", "required": ["id", "cold"], "properties": {
                    "id": { "type": "integer", "examples": [7] },
                    "kind": { "description": "K.", "oneOf": [{ "$ref": "#/components/schemas/Kind" }, { "type": "null" }] },
                    "cold": { "type": "boolean" },
                } },
                "Page": { "type": "object", "description": "A page.", "required": ["total", "rows"], "properties": {
                    "total": { "type": ["number", "null"], "format": "double", "description": "All." },
                    "rows": { "type": "array", "items": { "$ref": "#/components/schemas/Row" } },
                } },
            })
        );
    }
}
