//! Connections that are ready before the first request: a server takes long for the first statements of a connection.

use futures::future::join_all;
use thermocline_core::clock::Timestamp;
use thermocline_core::value::Value;
use tokio::sync::oneshot;

use crate::{Engine, Statement};

/// Opens [`Engine::warm_connections`] connections and sends statements on each, with parameters of no meaning. Statements that
/// fail are left to the first request.
///
/// One connection after the other, so that the server can do other work meanwhile. Sends on `first` when one is warm.
pub async fn warm(engine: &dyn Engine, statements: &[Statement], first: oneshot::Sender<()>) {
    let mut first = Some(first);
    for connections in 1..=engine.warm_connections() {
        for statement in statements {
            let Some(params) = meaningless(statement) else { continue };
            // At once, so that each takes a connection of its own; all but one are warm.
            let sent = (0..connections).map(|_| engine.fetch(statement, &params));
            for error in join_all(sent).await.into_iter().filter_map(Result::err) {
                tracing::debug!(%error, "a connection is not warm");
            }
        }
        if let Some(first) = first.take() {
            // The caller may have stopped waiting.
            let _ = first.send(());
        }
    }
}

/// Returns parameters of the described types; `None` without a description.
fn meaningless(statement: &Statement) -> Option<Vec<Value>> {
    let parameters = statement.about()?.parameters;
    let kinds = parameters.split(", ").filter_map(|parameter| parameter.rsplit_once(' '));
    kinds
        .map(|(_, kind)| match kind {
            "int" => Some(Value::Int(1)),
            "text" => Some("".into()),
            "time" => Some(Timestamp::default().into()),
            "date" => Some(Value::Date(Timestamp::default().date())),
            "bool" => Some(false.into()),
            "ints" => Some(Value::Ints([1].into())),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queries::{FileKind, QueryFile};

    #[test]
    fn parameters_are_of_the_described_types() {
        let file = "-- name: one\n-- tier: both\n-- purpose: Reads.\n\
            -- parameters: upper_at time, upper_id int, ids ints, part text, day date, count bool\n-- index: none\nSELECT 1 AS one";
        let file = QueryFile::parse("sample", &[(FileKind::Shared, file)], &["one"]);
        let params = meaningless(&file.statement("one")).expect("is described");
        assert!(matches!(
            params[..],
            [Value::Time(_), Value::Int(_), Value::Ints(_), Value::Text(_), Value::Date(_), Value::Bool(_)]
        ));
        assert_eq!(meaningless(&Statement::new("-- a.b\nSELECT 1")), None);
    }
}
