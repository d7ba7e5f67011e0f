//! The arguments of a tool, as the parameters of the route behind it.

use rmcp::model::JsonObject;
use serde_json::Value;

use crate::web::params::Params;
use crate::web::problem::Problem;

/// Rows of a page that a model does not size.
pub const DEFAULT_LIMIT: i64 = 20;
/// Rows of a page at most. A page of more would crowd the context of a model.
pub const MAX_LIMIT: i64 = 50;

/// The arguments of one call.
pub struct Arguments(JsonObject);

impl Arguments {
    /// Takes the arguments of a call. Null counts as not given, because models send it so.
    pub fn new(mut arguments: JsonObject) -> Self {
        arguments.retain(|_, value| !value.is_null());
        Self(arguments)
    }

    /// Takes an argument out, as text.
    pub fn take(&mut self, name: &str) -> Result<String, Problem> {
        let value = self.0.remove(name).ok_or_else(|| Problem::parameter(name, "is required"))?;
        text(name, &value)
    }

    /// Returns the rest as the parameters `known`, with a `limit` within `most`.
    pub fn params(self, known: &[&str], (usual, most): (i64, i64)) -> Result<Params, Problem> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.0 {
            query.append_pair(name, &text(name, value)?);
        }
        if !self.0.contains_key("limit") {
            query.append_pair("limit", &usual.to_string());
        }
        let params = Params::parse(Some(&query.finish()), known)?;
        params.integer("limit", 1..=most)?;
        Ok(params)
    }
}

/// Returns a value as a query would hold it. A list is separated by commas.
fn text(name: &str, value: &Value) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(items) => {
            let items = items.iter().map(|item| text(name, item)).collect::<Result<Vec<_>, _>>()?;
            Ok(items.join(","))
        }
        _ => Err(Problem::parameter(name, "must be a text, a number, or a list of them")),
    }
}
