//! Findings about a live database.

use crate::schema::findings::{Difference, Live, Outline, Trigger, findings, obstacles};
use crate::schema::hot;
use crate::schema::model::{ColumnModel, DefaultValue, ForeignKey, Type};
use crate::schema::{Dialect, Model};

fn live() -> Live {
    let model = Dialect::Mssql.fold(&Model::of(&hot::TABLES));
    Live { dialect: Dialect::Mssql, model, inbound: Vec::new(), triggers: Vec::new(), ahead: None }
}

fn found(live: &Live) -> Vec<(Difference, bool, String)> {
    let found = findings(&hot::TABLES, live);
    found.into_iter().map(|finding| (finding.what, finding.fault, finding.text)).collect()
}

#[test]
fn a_database_that_fits_has_no_findings() {
    assert_eq!(found(&live()), []);
}

#[test]
fn an_adopted_platform_is_no_fault() {
    let mut live = live();
    for table in &mut live.model.tables {
        for column in &mut table.columns {
            if column.name.ends_with("id") && column.kind == Type::Int {
                column.kind = Type::Narrow;
            }
            if column.default == Some(DefaultValue::Now) {
                column.default = Some(DefaultValue::Other("(getdate())".to_owned()));
            }
            if let Type::Text { length: Some(length), .. } = &mut column.kind {
                *length = 50;
            }
        }
        table.foreign.clear();
    }
    let found = found(&live);
    assert!(found.len() > 20, "{found:?}");
    assert!(found.iter().all(|(_, fault, _)| !fault), "{found:?}");
}

#[test]
fn what_stands_in_the_way_of_moving_is_named() {
    let mut live = live();
    let messages = live.model.table_mut("messages").expect("messages");
    messages.columns[4].kind = Type::Other("datetime".to_owned());
    messages.columns.push(ColumnModel::nullable("sticker", Type::Int));
    messages.foreign[0].cascades = true;
    let trigger =
        |table: &str, name: &str| Trigger { table: table.to_owned(), name: name.to_owned(), always: false };
    live.triggers.extend([trigger("messages", "on_delete"), trigger("users", "harmless")]);
    let foreign = ForeignKey {
        name: None,
        columns: vec!["message_id".to_owned()],
        table: "messages".to_owned(),
        references: vec!["id".to_owned()],
        cascades: false,
    };
    live.inbound.push(("attachments".to_owned(), foreign));
    live.model.table_mut("users").expect("users").columns.push(ColumnModel::nullable("age", Type::Int));
    let mut faults: Vec<String> =
        found(&live).into_iter().filter(|(_, fault, _)| *fault).map(|(_, _, text)| text).collect();
    faults.sort_unstable();
    assert_eq!(
        faults,
        [
            "attachments (message_id) references messages (id): its rows do not move with those of messages",
            "messages (conversation_id) references conversations (id), cascading: a change would not reach rows that have moved",
            "messages has the trigger on_delete, which would run when a row moves",
            "messages.created_at is still datetime, which cannot order rows: expected instant",
            "messages.sticker is not known, and would be lost when a row moves",
        ]
    );
    let columns =
        live.model.tables.iter().flat_map(|table| {
            table.columns.iter().map(move |column| (table.name.clone(), column.name.clone()))
        });
    let triggers = live.triggers.iter().map(|trigger| (trigger.table.clone(), trigger.name.clone()));
    let outline =
        Outline { columns: columns.collect(), foreign: live.foreign(), triggers: triggers.collect() };
    let moved = obstacles(&[&crate::schema::MESSAGES], &outline);
    assert_eq!(moved.len(), 4, "{moved:?}");
    assert_eq!(
        obstacles(&[&crate::schema::POSTS, &crate::schema::COMMENTS, &crate::schema::LIKES], &outline),
        []
    );
}

/// A default that writes local time is harmless on a server at UTC, and dates new rows ahead on any other.
#[test]
fn a_local_clock_is_a_fault_where_the_server_is_not_at_utc() {
    let mut live = live();
    let messages = live.model.table_mut("messages").expect("messages");
    messages.columns[4].default = Some(DefaultValue::Other("(getdate())".to_owned()));
    live.ahead = Some(0);
    let note = "messages.created_at has the default (getdate()), expected now".to_owned();
    assert_eq!(found(&live), [(Difference::Default, false, note)]);
    live.ahead = Some(480);
    let fault = "messages.created_at has the default (getdate()), and the server's clock is at +08:00: new rows are not dated \
                 in UTC; drop this default and run ALTER TABLE messages ADD CONSTRAINT messages_created_at DEFAULT \
                 SYSUTCDATETIME() FOR created_at";
    assert_eq!(found(&live), [(Difference::Default, true, fault.to_owned())]);
}

#[test]
fn columns_that_an_import_cannot_fill_are_named() {
    let mut live = live();
    let users = live.model.table_mut("users").expect("users");
    users.columns.push(ColumnModel::required("password_hash", Type::TEXT));
    let seen = ColumnModel::required("seen_at", Type::Time);
    users.columns.push(ColumnModel { default: Some(DefaultValue::Now), ..seen });
    users.columns.push(ColumnModel::required("version", Type::Other("timestamp".to_owned())));
    live.model.table_mut("stocks").expect("stocks").columns[2].nullable = false;
    let texts: Vec<String> =
        found(&live).into_iter().map(|(_, fault, text)| format!("{fault} {text}")).collect();
    assert_eq!(
        texts,
        [
            "false users.password_hash is not known, and left alone; it must not be NULL and has no default, so that `import` \
             cannot add rows to users",
            "false users.seen_at is not known, and left alone",
            "false users.version is not known, and left alone",
            "false stocks.name must not be NULL here: `import` rejects rows that have no value for it",
        ]
    );
}
