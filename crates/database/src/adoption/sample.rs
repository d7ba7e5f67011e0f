//! A platform as unkind as real ones are, of which every kind of statement of an adoption follows. `db statements` lists them,
//! and checks compile them.

use super::plan::{nullable_columns, plan};
use super::platform::{
    Platform, PlatformCheck, PlatformColumn, PlatformForeignKey, PlatformIndex, PlatformTable,
};
use super::{Adoption, RowCounts, count_nulls, count_orphans, missing_keys, prepare_keys};
use crate::schema::Dialect;
use crate::schema::model::{ColumnModel, DefaultValue, ForeignKey, Model, TableModel, Type};
use crate::texts::Text;

/// Returns the statements by which the sample is adopted.
pub fn texts() -> Vec<Text> {
    let (platform, declared) = (platform(), declared());
    let zone = "Asia/Taipei".parse().ok();
    let count = count_nulls(Dialect::Mssql, &nullable_columns(&platform, &declared)).unwrap_or_default();
    let mut texts = vec![Text::new(
        "adoption.nulls",
        "Counts the rows without a value in columns that must have one.",
        count,
    )];
    let mut planned = plan(&platform, &declared, &RowCounts::new(), &Adoption { zone });
    let keys = missing_keys(&platform, &declared);
    texts.push(Text::new(
        "adoption.orphans",
        "Counts the rows that break a foreign key which the platform lacks.",
        count_orphans(Dialect::Mssql, &keys).unwrap_or_default(),
    ));
    let orphans = keys.iter().map(|key| ((key.table.clone(), key.column.clone()), 1)).collect();
    prepare_keys((Dialect::Mssql, platform.is_babelfish), &keys, &orphans, &mut planned);
    for (statement, number) in planned.statements.into_iter().zip(1..) {
        let name = format!("adoption.statement ({number})");
        texts.push(Text::new(&name, purpose(&statement), statement));
    }
    texts
}

fn purpose(statement: &str) -> &'static str {
    const PURPOSES: [(&str, &str); 10] = [
        ("ALTER COLUMN", "Changes the type of a column of a platform."),
        ("DROP CONSTRAINT", "Drops a constraint that stands in the way of a change."),
        ("DROP INDEX", "Drops an index that stands in the way of a change."),
        ("DROP STATISTICS", "Drops statistics that stand in the way of a change."),
        ("WITH NOCHECK ADD", "Adds a foreign key that rows of the platform break."),
        ("FOREIGN KEY", "Makes a foreign key again that stood in the way."),
        (" CHECK ", "Makes a check constraint again that stood in the way."),
        (" DEFAULT ", "Makes a default again, or one in UTC."),
        ("DATEADD", "Moves times that a platform has stored in its local time to UTC."),
        ("UPDATE", "Fills in the value of rows that have none, where it is known."),
    ];
    let found = PURPOSES.iter().find(|(words, _)| statement.contains(words));
    found
        .map_or("Makes an index or a unique constraint again that stood in the way.", |(_, purpose)| *purpose)
}

/// The declaration of the tables of the sample, as far as it needs one.
fn declared() -> Model {
    let table = |name: &str, columns: Vec<ColumnModel>, foreign: Vec<ForeignKey>| TableModel {
        name: name.to_owned(),
        columns,
        key: vec!["id".to_owned()],
        indexes: Vec::new(),
        foreign,
        rows: Vec::new(),
    };
    let refers = |column: &str, parent: &str| ForeignKey {
        name: None,
        columns: vec![column.to_owned()],
        table: parent.to_owned(),
        references: vec!["id".to_owned()],
        cascades: false,
    };
    let flag = ColumnModel {
        default: Some(DefaultValue::Bool(false)),
        ..ColumnModel::required("is_read", Type::Bool)
    };
    let (text, time) = (
        |name: &str| ColumnModel::required(name, Type::TEXT),
        |name: &str| ColumnModel::required(name, Type::Time),
    );
    Model {
        tables: vec![
            table("users", vec![text("username")], Vec::new()),
            table(
                "messages",
                vec![
                    ColumnModel::required("sender_id", Type::Int),
                    text("content"),
                    time("created_at"),
                    flag,
                ],
                vec![refers("sender_id", "users")],
            ),
            table(
                "comments",
                vec![ColumnModel::required("author_id", Type::Int)],
                vec![refers("author_id", "users")],
            ),
            table(
                "stock_prices",
                vec![ColumnModel::nullable("volume", Type::Int), time("created_at")],
                Vec::new(),
            ),
        ],
    }
}

fn column(name: &str, kind: &str, bytes: i64) -> PlatformColumn {
    PlatformColumn { name: name.to_owned(), kind: kind.to_owned(), bytes, ..PlatformColumn::default() }
}

fn defaulted(column: PlatformColumn, name: &str, expression: &str) -> PlatformColumn {
    PlatformColumn { default: Some((name.to_owned(), expression.to_owned())), ..column }
}

fn index(name: &str, keys: &[(&str, bool)]) -> PlatformIndex {
    let keys = keys.iter().map(|(name, descends)| ((*name).to_owned(), *descends)).collect();
    PlatformIndex { name: name.to_owned(), clustered: Some(false), keys, ..PlatformIndex::default() }
}

/// The sample.
fn platform() -> Platform {
    let collated = |column: PlatformColumn| PlatformColumn {
        collation: Some("Chinese_Taiwan_Stroke_CI_AS".to_owned()),
        ..column
    };
    let nullable = |column: PlatformColumn| PlatformColumn { nullable: true, ..column };
    let users = PlatformTable {
        columns: vec![column("id", "int", 4), collated(column("username", "varchar", 50))],
        indexes: vec![PlatformIndex {
            unique: true,
            constraint: true,
            ..index("users_name", &[("username", false)])
        }],
        ..PlatformTable::default()
    };
    let messages = PlatformTable {
        columns: vec![
            nullable(column("sender_id", "int", 4)),
            collated(column("content", "varchar", -1)),
            defaulted(nullable(column("created_at", "datetime", 8)), "DF__messages__created", "(getdate())"),
            defaulted(nullable(column("is_read", "bit", 1)), "DF__messages__is_read", "((0))"),
        ],
        indexes: vec![
            PlatformIndex {
                included: vec!["is_read".to_owned()],
                filter: Some("([created_at] IS NOT NULL)".to_owned()),
                fill_factor: 80,
                ..index("messages_by_time", &[("created_at", true), ("sender_id", false)])
            },
            PlatformIndex {
                clustered: Some(true),
                unique: true,
                ..index("messages_by_sender", &[("sender_id", false), ("id", false)])
            },
        ],
        checks: vec![PlatformCheck {
            name: "messages_not_empty".to_owned(),
            definition: "(len([content])>(0))".to_owned(),
            enabled: true,
        }],
        foreign: vec![PlatformForeignKey {
            name: "FK__messages__sender".to_owned(),
            table: "messages".to_owned(),
            columns: vec!["sender_id".to_owned()],
            parent: "users".to_owned(),
            references: vec!["id".to_owned()],
            actions: ["NO ACTION".to_owned(), "NO ACTION".to_owned()],
            enabled: true,
        }],
        statistics: vec![("messages_statistics".to_owned(), vec!["created_at".to_owned()])],
    };
    let prices = PlatformTable {
        columns: vec![nullable(column("volume", "int", 4)), column("created_at", "datetime", 8)],
        ..PlatformTable::default()
    };
    let comments = PlatformTable { columns: vec![column("author_id", "int", 4)], ..PlatformTable::default() };
    let tables = [("users", users), ("messages", messages), ("comments", comments), ("stock_prices", prices)];
    Platform {
        ahead: 480,
        tables: tables.into_iter().map(|(name, table)| (name.to_owned(), table)).collect(),
        ..Platform::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_statement_is_listed() {
        let texts = texts();
        for words in [
            "ALTER COLUMN [created_at] DATETIME2(6) NOT NULL",
            "ALTER COLUMN [content] NVARCHAR(MAX) COLLATE Chinese_Taiwan_Stroke_CI_AS NOT NULL",
            "ALTER COLUMN [username] NVARCHAR(50) COLLATE Chinese_Taiwan_Stroke_CI_AS NOT NULL",
            "ALTER COLUMN [sender_id] INT NOT NULL",
            "ALTER COLUMN [volume] BIGINT NULL",
            "DROP INDEX [messages_by_time] ON [messages]",
            "INCLUDE ([is_read]) WHERE ([created_at] IS NOT NULL) WITH (FILLFACTOR = 80)",
            "UNIQUE CLUSTERED INDEX [messages_by_sender]",
            "ADD CONSTRAINT [users_name] UNIQUE NONCLUSTERED ([username])",
            "DROP STATISTICS [messages].[messages_statistics]",
            "WITH CHECK ADD CONSTRAINT [messages_not_empty] CHECK (len([content])>(0))",
            "ADD CONSTRAINT [DF__messages__created] DEFAULT (sysutcdatetime()) FOR [created_at]",
            "ADD CONSTRAINT [DF__messages__is_read] DEFAULT ((0)) FOR [is_read]",
            "FOREIGN KEY ([sender_id]) REFERENCES [users] ([id]) ON DELETE NO ACTION ON UPDATE NO ACTION",
            "SET [is_read] = 0 WHERE [is_read] IS NULL",
            "DATEADD(SECOND, -(CASE WHEN [created_at] < '19",
            "N'created_at' AS col",
            "ALTER TABLE [comments] WITH NOCHECK ADD CONSTRAINT [comments_author_id]",
            "FROM [comments] AS c WHERE c.[author_id] IS NOT NULL",
        ] {
            assert!(texts.iter().any(|text| text.sql.contains(words)), "{words} in {texts:#?}");
        }
        // Dropped objects are created again after the change, in reverse order.
        let place = |words: &str| texts.iter().position(|text| text.sql.contains(words)).expect(words);
        let order = [
            "DROP CONSTRAINT [FK__messages__sender]",
            "DROP CONSTRAINT [DF__messages__created]",
            "DROP INDEX [messages_by_time]",
            "DROP INDEX [messages_by_sender]",
            "ALTER COLUMN [created_at]",
            "DATEADD",
            "CLUSTERED INDEX [messages_by_sender]",
            "NONCLUSTERED INDEX [messages_by_time]",
            "DEFAULT (sysutcdatetime())",
            "ADD CONSTRAINT [FK__messages__sender]",
        ];
        assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{texts:#?}");
    }
}
