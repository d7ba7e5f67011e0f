//! Schemas of tools.

use std::sync::Arc;

use rmcp::model::JsonObject;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Where the description of the API keeps its types.
const DESCRIBED_AT: &str = "#/components/schemas/";

/// Returns the schema of a tool's arguments.
#[expect(clippy::needless_pass_by_value, reason = "built where it is passed")]
pub fn input(properties: Value, required: &[&str]) -> Arc<JsonObject> {
    object(json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    }))
}

/// Returns the schema of a result, with every type that it refers to: the one that the API is described with.
pub fn output<T: ToSchema>() -> Arc<JsonObject> {
    let mut types = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut types);
    let mut defs = Map::new();
    for (name, schema) in types {
        let mut schema = serde_json::to_value(schema).expect("a schema is JSON");
        refer_to_defs(&mut schema);
        defs.insert(name, schema);
    }
    // The protocol wants an object at the root, which a reference alone does not say.
    object(json!({"type": "object", "$ref": format!("#/$defs/{}", T::name()), "$defs": defs}))
}

/// Points every reference to the definitions of the schema itself.
fn refer_to_defs(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(target) if name == "$ref" => {
                        *target = target.replace(DESCRIBED_AT, "#/$defs/");
                    }
                    other => refer_to_defs(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(refer_to_defs),
        _ => {}
    }
}

fn object(value: Value) -> Arc<JsonObject> {
    let Value::Object(object) = value else { unreachable!("built as an object") };
    Arc::new(object)
}
