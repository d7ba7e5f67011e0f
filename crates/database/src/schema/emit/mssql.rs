//! SQL Server. Defaults, indexes and foreign keys that depend on a changed column are dropped first and created again.

use super::{complete, create_index, filler, foreign_name, needs_filling, references};
use crate::schema::Dialect;
use crate::schema::diff::{Alter, Change};
use crate::schema::model::{ColumnModel, DefaultValue, ForeignKey, IndexModel, Model, TableModel};

const DIALECT: Dialect = Dialect::Mssql;

pub(super) fn statements(from: &Model, to: &Model, changes: &[Change]) -> Vec<String> {
    let mut statements = Vec::new();
    for change in changes {
        match change {
            Change::DropTable(table) => statements.push(format!("DROP TABLE {}", table.name)),
            Change::AddTable(table) => {
                statements.push(create_table(table));
                statements.extend(complete(DIALECT, table));
            }
            Change::Alter { table, what: Alter::Column { from: old, to: new } } => {
                if let (Some(before), Some(after)) = (from.table(table), to.table(table)) {
                    statements.extend(change_column(before, after, old, new));
                }
            }
            Change::Alter { table, what } => statements.extend(alter(table, what)),
        }
    }
    statements
}

fn alter(table: &str, what: &Alter) -> Vec<String> {
    match what {
        Alter::AddColumn(column) if needs_filling(column) => vec![
            format!(
                "ALTER TABLE {table} ADD {} CONSTRAINT {table}_{} DEFAULT {}",
                typed(column),
                column.name,
                filler(DIALECT, &column.kind)
            ),
            drop_default(table, &column.name),
        ],
        Alter::AddColumn(column) => vec![format!("ALTER TABLE {table} ADD {}", definition(table, column))],
        Alter::DropColumn(column) => {
            let default = column.default.is_some().then(|| drop_default(table, &column.name));
            let column = format!("ALTER TABLE {table} DROP COLUMN {}", column.name);
            default.into_iter().chain([column]).collect()
        }
        Alter::AddIndex(index) => vec![create_index(DIALECT, table, index)],
        Alter::DropIndex(index) => vec![drop_index(table, index)],
        Alter::AddForeign(foreign) => vec![add_foreign(table, foreign)],
        Alter::DropForeign(foreign) => vec![drop_foreign(table, foreign)],
        // Handled above, or rejected before: see `obstacles`.
        Alter::Column { .. } | Alter::Key { .. } => Vec::new(),
    }
}

fn change_column(
    before: &TableModel,
    after: &TableModel,
    from: &ColumnModel,
    to: &ColumnModel,
) -> Vec<String> {
    let (table, name) = (&after.name, &to.name);
    let mut statements = Vec::new();
    let reshaped = from.kind != to.kind || from.nullable != to.nullable;
    if from.default.is_some() && (reshaped || from.default != to.default) {
        statements.push(drop_default(table, name));
    }
    // Dependents that stay; the others are dropped already or created later.
    let stays =
        |index: &&IndexModel| index.mentions(name) && before.indexes.iter().any(|other| other.is_like(index));
    let indexes: Vec<&IndexModel> = after.indexes.iter().filter(stays).collect();
    let stays = |foreign: &&ForeignKey| {
        foreign.columns.contains(name) && before.foreign.iter().any(|other| other.is_like(foreign))
    };
    let foreign: Vec<&ForeignKey> = after.foreign.iter().filter(stays).collect();
    if reshaped {
        statements.extend(foreign.iter().map(|foreign| drop_foreign(table, foreign)));
        statements.extend(indexes.iter().map(|index| drop_index(table, index)));
        if let (true, false, Some(value)) = (from.nullable, to.nullable, &to.default) {
            let value = DIALECT.default_text(value);
            statements.push(format!("UPDATE {table} SET {name} = {value} WHERE {name} IS NULL"));
        }
        statements.push(alter_column(table, to));
    }
    if let Some(value) = &to.default
        && (reshaped || from.default != to.default)
    {
        statements.push(format!("ALTER TABLE {table} ADD {} FOR {name}", default(table, name, value)));
    }
    if reshaped {
        statements.extend(indexes.iter().map(|index| {
            if index.constraint {
                format!("ALTER TABLE {table} ADD {}", unique(index))
            } else {
                create_index(DIALECT, table, index)
            }
        }));
        statements.extend(foreign.iter().map(|foreign| add_foreign(table, foreign)));
    }
    statements
}

/// Babelfish accepts neither collation nor nullability here: it keeps the nullability and falls back to the database's
/// collation.
fn alter_column(table: &str, column: &ColumnModel) -> String {
    let kind = DIALECT.type_name(&column.kind);
    let (kind, collation) = kind.split_at(kind.find(" COLLATE").unwrap_or(kind.len()));
    let null = if column.nullable { "NULL" } else { "NOT NULL" };
    format!(
        "DECLARE @change NVARCHAR(MAX) = N'ALTER TABLE {table} ALTER COLUMN {} {kind}'\n    \
         + CASE WHEN SERVERPROPERTY('Babelfish') IS NULL THEN N'{collation} {null}' ELSE N'' END;\n\
         EXEC sp_executesql @change",
        column.name
    )
}

/// A default may have a generated name. Babelfish reports a name it does not know itself; there a default is dropped
/// with its column.
fn drop_default(table: &str, column: &str) -> String {
    format!(
        "DECLARE @name NVARCHAR(300) = (\n    SELECT d.name FROM sys.default_constraints d\n    \
         JOIN sys.columns c ON c.object_id = d.parent_object_id AND c.column_id = d.parent_column_id\n    \
         WHERE d.parent_object_id = OBJECT_ID(N'{table}') AND c.name = N'{column}');\n\
         IF @name IS NOT NULL AND SERVERPROPERTY('Babelfish') IS NULL\n    \
         EXEC (N'ALTER TABLE {table} DROP CONSTRAINT [' + @name + N']')"
    )
}

fn drop_index(table: &str, index: &IndexModel) -> String {
    if index.constraint {
        format!("ALTER TABLE {table} DROP CONSTRAINT {}", index.name)
    } else {
        format!("DROP INDEX {} ON {table}", index.name)
    }
}

fn add_foreign(table: &str, foreign: &ForeignKey) -> String {
    format!(
        "ALTER TABLE {table} ADD CONSTRAINT {} FOREIGN KEY ({}) {}",
        foreign_name(table, foreign),
        foreign.columns.join(", "),
        references(foreign)
    )
}

fn drop_foreign(table: &str, foreign: &ForeignKey) -> String {
    format!("ALTER TABLE {table} DROP CONSTRAINT {}", foreign_name(table, foreign))
}

fn unique(index: &IndexModel) -> String {
    format!("CONSTRAINT {} UNIQUE ({})", index.name, index.list())
}

fn default(table: &str, column: &str, value: &DefaultValue) -> String {
    format!("CONSTRAINT {table}_{column} DEFAULT {}", DIALECT.default_text(value))
}

fn typed(column: &ColumnModel) -> String {
    let null = if column.nullable { "NULL" } else { "NOT NULL" };
    let identity = if column.identity { " IDENTITY(1, 1)" } else { "" };
    format!("{} {}{identity} {null}", column.name, DIALECT.type_name(&column.kind))
}

fn definition(table: &str, column: &ColumnModel) -> String {
    let default = column.default.as_ref().map(|value| default(table, &column.name, value));
    [Some(typed(column)), default].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn create_table(table: &TableModel) -> String {
    let name = &table.name;
    let mut lines: Vec<String> = table.columns.iter().map(|column| definition(name, column)).collect();
    lines.push(format!("CONSTRAINT {name}_pk PRIMARY KEY ({})", table.key.join(", ")));
    lines.extend(table.indexes.iter().filter(|index| index.constraint).map(unique));
    for foreign in &table.foreign {
        let (name, columns) = (foreign_name(name, foreign), foreign.columns.join(", "));
        lines.push(format!("CONSTRAINT {name} FOREIGN KEY ({columns}) {}", references(foreign)));
    }
    format!("CREATE TABLE {name} (\n    {}\n)", lines.join(",\n    "))
}
