//! Plans of statements on PostgreSQL and on Citus, which explains no statement with parameters.

use thermocline::tier::{Record, Session, Statement, TierError, Value};

/// Returns the type of a value and its text.
pub fn literal(value: &Value) -> (&'static str, String) {
    let (kind, text) = match value {
        Value::Null(_) => return ("bigint", "NULL".to_owned()),
        Value::Int(int) => ("bigint", int.to_string()),
        Value::Text(text) => ("text", text.to_string()),
        Value::Time(at) => ("timestamptz", at.to_string()),
        Value::Date(day) => ("date", day.to_string()),
        Value::Price(price) => ("numeric", price.to_string()),
        Value::Bool(bit) => ("boolean", bit.to_string()),
        Value::Bytes(_) => panic!("no parameter of a reader has bytes"),
        Value::Ints(ints) => {
            ("bigint[]", format!("{{{}}}", ints.iter().map(i64::to_string).collect::<Vec<_>>().join(",")))
        }
    };
    (kind, format!("'{text}'"))
}

/// Returns the text of a plan.
pub fn plan(lines: &[Record]) -> Result<String, TierError> {
    let lines = lines.iter().map(|line| line.text("QUERY PLAN")).collect::<Result<Vec<_>, _>>()?;
    Ok(lines.join("\n"))
}

/// Returns the plans of a statement in all shards that Citus asks.
pub async fn on_citus(
    session: &mut dyn Session,
    options: &str,
    statement: &Statement,
    params: &[Value],
) -> Result<String, TierError> {
    let mut text = statement.for_citus().expect("a statement of cold").to_owned();
    for (before, value) in params.iter().enumerate().rev() {
        let (kind, value) = literal(value);
        text = text.replace(&format!("${}", before + 1), &format!("{value}::{kind}"));
    }
    let sent = |text: &'static str| Statement::new(text).postgres(text);
    session.execute(&sent("-- set\nSET citus.explain_all_tasks = on"), &[]).await?;
    let explain = format!("-- {}\nEXPLAIN ({options}) {text}", statement.name);
    plan(&session.fetch(&sent(explain.leak()), &[]).await?)
}
