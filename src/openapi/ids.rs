//! The description of the API with `ids=string`.

use serde_json::{Map, Value, json};

use super::schemas::walk;

/// Describes ids as texts, in answers and parameters, and makes `ids=string` a required parameter.
pub fn as_texts(document: &mut Value) {
    walk(document, &mut |object| {
        if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
            let ids = properties.iter_mut().filter(|(name, _)| is_id(name));
            ids.for_each(|(_, schema)| as_text(schema));
        }
        let is_parameter = object.contains_key("in")
            && object.get("name").and_then(Value::as_str).is_some_and(|name| is_id(name) || name == "around");
        if is_parameter {
            as_text(&mut object["schema"]);
            if let Some(example) = object.get_mut("example") {
                *example = text_of(example);
            }
        }
    });
    let parameter = &mut document["components"]["parameters"]["ids"];
    parameter["required"] = true.into();
    parameter["description"] = "Writes ids as texts.".into();
    parameter["schema"] = json!({ "type": "string", "enum": ["string"] });
}

fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("_id")
}

/// Turns the schema of a whole number, which may be null, into that of its digits.
fn as_text(schema: &mut Value) {
    let text = match &schema["type"] {
        Value::String(kind) if kind == "integer" => json!("string"),
        Value::Array(kinds) if kinds.contains(&json!("integer")) => json!(["string", "null"]),
        _ => return,
    };
    let Some(schema) = schema.as_object_mut() else { return };
    schema.retain(|name, _| !matches!(name.as_str(), "format" | "minimum" | "maximum"));
    schema.insert("type".to_owned(), text);
    schema.insert("pattern".to_owned(), "^[1-9][0-9]{0,18}$".into());
    examples_as_texts(schema);
}

fn examples_as_texts(schema: &mut Map<String, Value>) {
    for example in schema.get_mut("examples").and_then(Value::as_array_mut).into_iter().flatten() {
        *example = text_of(example);
    }
}

fn text_of(example: &Value) -> Value {
    if example.is_number() { example.to_string().into() } else { example.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_texts_in_answers_and_parameters() {
        let mut document = json!({
            "paths": { "/x/{id}": { "get": { "parameters": [
                { "name": "id", "in": "path", "schema": { "type": "integer", "minimum": 1 }, "example": 4 },
                { "name": "page", "in": "query", "schema": { "type": "integer", "minimum": 1 } },
            ] } } },
            "components": {
                "parameters": { "ids": { "required": false, "schema": { "type": "string", "enum": ["number"] } } },
                "schemas": { "Row": { "properties": {
                    "user2_id": { "type": ["integer", "null"], "format": "int64", "examples": [5] },
                    "request_id": { "type": "string" },
                    "total": { "type": "integer" },
                } } },
            },
        });
        as_texts(&mut document);
        let digits = "^[1-9][0-9]{0,18}$";
        let parameters = &document["paths"]["/x/{id}"]["get"]["parameters"];
        assert_eq!(parameters[0]["schema"], json!({ "type": "string", "pattern": digits }));
        assert_eq!(parameters[0]["example"], "4");
        assert_eq!(parameters[1]["schema"]["type"], "integer");
        assert_eq!(document["components"]["parameters"]["ids"]["schema"]["enum"], json!(["string"]));
        let row = &document["components"]["schemas"]["Row"]["properties"];
        assert_eq!(
            row["user2_id"],
            json!({ "type": ["string", "null"], "pattern": digits, "examples": ["5"] })
        );
        assert_eq!(row["request_id"], json!({ "type": "string" }));
        assert_eq!(row["total"]["type"], "integer");
    }
}
