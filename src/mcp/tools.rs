//! The tools. Each is the function of a route; its arguments are that route's parameters.

use std::sync::{Arc, LazyLock};

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde::Serialize;
use serde_json::{Value, json};

use super::arguments::{Arguments, DEFAULT_LIMIT, MAX_LIMIT};
use super::schema::{input, output};
use crate::resources::{conversations, messages, posts, stocks};
use crate::web::auth::Caller;
use crate::web::params::path_id;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The parameters of a list that a model can use.
const LIST: [&str; 7] = ["limit", "before", "after", "around", "at", "from", "to"];
const CURSOR: [&str; 3] = ["limit", "before", "after"];
/// The usual and the largest number of rows of a page.
const PAGE: (i64, i64) = (DEFAULT_LIMIT, MAX_LIMIT);
/// The usual and the largest number of prices of a stock.
const PRICES: (i64, i64) = (30, 100);
/// Stocks of one call.
const MAX_SYMBOLS: usize = 10;

static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(|| {
    let id = |what: &str| json!({"type": "integer", "minimum": 1, "description": what});
    let list = |more: Value| {
        let mut properties = json!({
            "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT,
                "description": "Rows of the page."},
            "before": {"type": "string", "description": "The cursor `next` of a page: the rows just older."},
            "after": {"type": "string", "description": "The cursor `prev` of a page: the rows just newer."},
        });
        merge(&mut properties, more);
        properties
    };
    let place = |what: &str, more: Value| {
        let mut properties = list(json!({
            "around": id(&format!("The id of a {what}: the rows around it.")),
            "at": {"type": "string", "description": "A time (RFC 3339) or a date: the rows around it."},
            "from": {"type": "string", "description": "Only rows from this time or date on."},
            "to": {"type": "string", "description": "Only rows before this time; a date includes its day, in UTC."},
        }));
        merge(&mut properties, more);
        properties
    };
    let conversation = || json!({"conversation_id": id("The conversation.")});
    vec![
        tool(
            "list_conversations",
            "List conversations",
            "Lists the caller's conversations, most recently active first.",
            (input(list(json!({})), &[]), output::<conversations::http::ConversationPage>()),
        ),
        tool(
            "read_messages",
            "Read messages",
            "Reads messages of a conversation, newest first. `before`, `after`, `around` and `at` exclude each other.",
            (
                input(place("message", conversation()), &["conversation_id"]),
                output::<messages::http::MessagePage>(),
            ),
        ),
        tool(
            "search_messages",
            "Search messages",
            "Finds the messages of a conversation that contain a text, newest first. The text is found literally; ASCII \
             letters match without case.",
            (
                input(
                    list(json!({
                        "conversation_id": id("The conversation."),
                        "q": {"type": "string", "minLength": 1, "maxLength": 1000, "description": "The text to find."},
                    })),
                    &["conversation_id", "q"],
                ),
                output::<messages::http::MessagePage>(),
            ),
        ),
        tool(
            "list_posts",
            "List posts",
            "Lists posts, newest first, each with its numbers of comments and likes.",
            (
                input(place("post", json!({"author_id": id("Only the posts of this user.")})), &[]),
                output::<posts::http::PostPage>(),
            ),
        ),
        tool(
            "read_post",
            "Read a post",
            "Reads a post with a page of its comments, newest first.",
            (
                input(list(json!({"post_id": id("The post.")})), &["post_id"]),
                output::<posts::http::PostWithComments>(),
            ),
        ),
        tool(
            "get_prices",
            "Get stock prices",
            "Reads daily prices of stocks, or prices by week, month, quarter or year. Unknown symbols are in `unknown`.",
            (
                input(
                    json!({
                        "symbols": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                            "maxItems": MAX_SYMBOLS, "description": "The symbols of the stocks."},
                        "start_date": {"type": "string", "format": "date",
                            "description": "The first day; a year before the last by default."},
                        "end_date": {"type": "string", "format": "date", "description": "The last day; today by default."},
                        "interval": {"type": "string", "enum": ["day", "week", "month", "quarter", "year"]},
                        "order": {"type": "string", "enum": ["desc", "asc"], "description": "`desc`, newest first, by default."},
                        "limit": {"type": "integer", "minimum": 1, "maximum": PRICES.1, "default": PRICES.0,
                            "description": "Rows of each stock."},
                    }),
                    &["symbols"],
                ),
                output::<stocks::prices::several::SeveralRanges>(),
            ),
        ),
    ]
});

/// Returns every tool.
pub fn all() -> &'static [Tool] {
    &TOOLS
}

fn tool(
    name: &'static str,
    title: &str,
    description: &'static str,
    (input, output): (Arc<JsonObject>, Arc<JsonObject>),
) -> Tool {
    let annotations = ToolAnnotations::with_title(title).read_only(true).idempotent(true).open_world(false);
    Tool::new(name, description, input)
        .with_title(title)
        .with_annotations(annotations)
        .with_raw_output_schema(output)
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

/// Calls a tool. Returns `None` when there is none of this name.
pub async fn call(
    app: &App,
    caller: &Caller,
    name: &str,
    arguments: JsonObject,
) -> Option<Result<Value, Problem>> {
    let mut arguments = Arguments::new(arguments);
    Some(match name {
        "list_conversations" => list_conversations(app, caller, arguments).await,
        "read_messages" => match conversation(&mut arguments) {
            Ok(id) => read_messages(app, caller, id, arguments).await,
            Err(problem) => Err(problem),
        },
        "search_messages" => match conversation(&mut arguments) {
            Ok(id) => search_messages(app, caller, id, arguments).await,
            Err(problem) => Err(problem),
        },
        "list_posts" => list_posts(app, caller, arguments).await,
        "read_post" => read_post(app, caller, arguments).await,
        "get_prices" => get_prices(app, caller, arguments).await,
        _ => return None,
    })
}

fn conversation(arguments: &mut Arguments) -> Result<i64, Problem> {
    path_id("conversation_id", &arguments.take("conversation_id")?)
}

async fn list_conversations(app: &App, caller: &Caller, arguments: Arguments) -> Result<Value, Problem> {
    let params = arguments.params(&CURSOR, PAGE)?;
    let (_, listing) = conversations::http::read(app, caller, &params).await?;
    value(&conversations::http::ConversationPage::from(listing))
}

async fn read_messages(app: &App, caller: &Caller, id: i64, arguments: Arguments) -> Result<Value, Problem> {
    let params = arguments.params(&LIST, PAGE)?;
    let (_, listing) = messages::http::read(app, caller, id, &params).await?;
    value(&messages::http::MessagePage::from(listing))
}

async fn search_messages(
    app: &App,
    caller: &Caller,
    id: i64,
    arguments: Arguments,
) -> Result<Value, Problem> {
    let params = arguments.params(&["q", "limit", "before", "after"], PAGE)?;
    let (_, listing) = messages::http::find(app, caller, id, &params).await?;
    value(&messages::http::MessagePage::from(listing))
}

async fn list_posts(app: &App, caller: &Caller, arguments: Arguments) -> Result<Value, Problem> {
    let known: Vec<&str> = LIST.into_iter().chain(["author_id"]).collect();
    let (_, listing) = posts::http::read(app, caller, &arguments.params(&known, PAGE)?).await?;
    value(&posts::http::PostPage::from(listing))
}

async fn read_post(app: &App, caller: &Caller, mut arguments: Arguments) -> Result<Value, Problem> {
    let id = path_id("post_id", &arguments.take("post_id")?)?;
    let params = arguments.params(&CURSOR, PAGE)?;
    value(&posts::http::read_with_comments(app, caller, id, &params).await?)
}

async fn get_prices(app: &App, caller: &Caller, arguments: Arguments) -> Result<Value, Problem> {
    let known = ["symbols", "start_date", "end_date", "interval", "order", "limit"];
    let params = arguments.params(&known, PRICES)?;
    let symbols = stocks::prices::ask::symbols(&params)?;
    if symbols.len() > MAX_SYMBOLS {
        return Err(Problem::parameter("symbols", &format!("must not name more than {MAX_SYMBOLS}")));
    }
    let ranges = stocks::prices::http::read_several(app, caller, symbols, &params).await?;
    serde_json::from_slice(&ranges).map_err(Problem::internal)
}

fn value(body: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(body).map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client checks the answers of a tool against its schema, so no reference may lead nowhere.
    #[test]
    fn every_schema_stands_by_itself() {
        fn check(schema: &Value, root: &JsonObject, tool: &str) {
            match schema {
                Value::Object(members) => {
                    if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                        let name = target.strip_prefix("#/$defs/").expect("within the schema");
                        assert!(root["$defs"][name].is_object(), "{tool}: {target}");
                    }
                    members.values().for_each(|member| check(member, root, tool));
                }
                Value::Array(items) => items.iter().for_each(|item| check(item, root, tool)),
                _ => {}
            }
        }
        assert_eq!(all().len(), 6);
        for tool in all() {
            let output = tool.output_schema.as_ref().expect("an output schema");
            assert_eq!((&tool.input_schema["type"], &output["type"]), (&json!("object"), &json!("object")));
            check(&Value::Object((**output).clone()), output, &tool.name);
        }
    }
}
