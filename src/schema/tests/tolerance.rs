//! Migrations generated beside a platform whose tables differ harmlessly.

use crate::schema::emit::Plan;
use crate::schema::findings::Live;
use crate::schema::hot;
use crate::schema::model::{ColumnModel, DefaultValue, Type};
use crate::schema::{Dialect, Model};

fn plan(model: Model, declared: &Model, made: Option<&Model>) -> Plan {
    let live =
        Live { dialect: Dialect::Mssql, model, inbound: Vec::new(), triggers: Vec::new(), ahead: None };
    Plan::new(&live, declared, &Dialect::HOT, made)
}

/// The tables of a platform: keys in another order, other defaults and lengths, stricter columns, no foreign keys.
fn platform() -> Model {
    let mut model = Dialect::Mssql.fold(&Model::of(&hot::TABLES));
    model.table_mut("likes").expect("likes").key.reverse();
    for table in &mut model.tables {
        table.foreign.clear();
        for column in &mut table.columns {
            if column.default == Some(DefaultValue::Now) {
                column.default = Some(DefaultValue::Other("(getdate())".to_owned()));
            }
        }
    }
    let stocks = model.table_mut("stocks").expect("stocks");
    (stocks.columns[2].nullable, stocks.columns[2].kind) =
        (false, Type::Text { length: Some(100), exact: false });
    model.table_mut("users").expect("users").columns.push(ColumnModel::required("password_hash", Type::TEXT));
    model
}

#[test]
fn harmless_differences_are_left_alone() {
    let declared = Model::of(&hot::TABLES);
    let plan = plan(platform(), &declared, Some(&declared));
    assert!(plan.is_empty() && plan.obstacles.is_empty(), "{plan:?}");
    assert_eq!(plan.kept, ["users.password_hash is not ours, and stays"]);
}

#[test]
fn a_changed_declaration_and_a_fault_are_planned_beside_them() {
    let made = Model::of(&hot::TABLES);
    let mut declared = made.clone();
    let stocks = declared.table_mut("stocks").expect("stocks");
    stocks.columns[2].kind = Type::Text { length: Some(300), exact: false };
    let mut live = platform();
    live.table_mut("messages").expect("messages").indexes.pop();
    let plan = plan(live, &declared, Some(&made));
    assert_eq!(plan.obstacles, Vec::<String>::new());
    let (_, up, _) = plan.scripts.iter().find(|(engine, ..)| *engine == Dialect::Mssql).expect("SQL Server");
    let text = up.statements.join(";");
    assert!(
        text.contains("stocks ALTER COLUMN name NVARCHAR(300)") && text.contains("CREATE INDEX messages_due"),
        "{text}"
    );
    assert!(!text.contains("likes") && !text.contains("getdate") && !text.contains("FOREIGN KEY"), "{text}");
}

/// Without the migrations to compare with, everything is planned, and a key is written by hand.
#[test]
fn all_differences_are_planned_on_request() {
    let declared = Model::of(&hot::TABLES);
    let plan = plan(platform(), &declared, None);
    assert!(plan.obstacles.iter().any(|text| text.contains("the primary key of likes")), "{plan:?}");
}
