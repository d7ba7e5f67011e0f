//! Schemas as data, in one form for declarations and for catalogs.

use std::fmt;

use super::{Column, ColumnDefault, ColumnType, Index, Only, StorageForm, Table};

/// The storage type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A 64-bit integer.
    Int,
    /// A 32-bit integer, as a platform's ids may be.
    Narrow,
    /// A 16-bit integer.
    Small,
    /// Unicode text with an optional limit.
    Text {
        /// The limit.
        length: Option<u16>,
        /// Whether it is compared byte by byte.
        exact: bool,
    },
    /// A UTC instant at microseconds.
    Time,
    /// A day.
    Date,
    /// `DECIMAL(10,2)`.
    Price,
    /// A boolean.
    Bool,
    /// A JSON document.
    Json,
    /// Bytes.
    Bytes,
    /// Another type, as the engine writes it.
    Other(String),
}

impl Type {
    /// Unicode text without a limit.
    pub const TEXT: Self = Self::Text { length: None, exact: false };
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int => "64-bit integer",
            Self::Narrow => "32-bit integer",
            Self::Small => "16-bit integer",
            Self::Text { length, exact } => {
                f.write_str("text")?;
                length.map_or(Ok(()), |length| write!(f, " of {length} characters"))?;
                return f.write_str(if *exact { ", compared byte by byte" } else { "" });
            }
            Self::Time => "instant",
            Self::Date => "day",
            Self::Price => "decimal (10, 2)",
            Self::Bool => "true or false",
            Self::Json => "JSON",
            Self::Bytes => "bytes",
            Self::Other(text) => text,
        })
    }
}

/// The value of a column that an `INSERT` does not name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
    /// A boolean.
    Bool(bool),
    /// The current time.
    Now,
    /// Another expression, as the engine writes it.
    Other(String),
}

impl fmt::Display for DefaultValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => write!(f, "{int}"),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Bool(bit) => write!(f, "{bit}"),
            Self::Now => f.write_str("now"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnModel {
    /// Its name.
    pub name: String,
    /// Its storage type.
    pub kind: Type,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Its default.
    pub default: Option<DefaultValue>,
    /// Whether it is an identity column.
    pub identity: bool,
}

impl ColumnModel {
    /// Creates a column that may be NULL.
    pub fn nullable(name: &str, kind: Type) -> Self {
        Self { name: name.to_owned(), kind, nullable: true, default: None, identity: false }
    }

    /// Creates a column that may not be NULL.
    pub fn required(name: &str, kind: Type) -> Self {
        Self { nullable: false, ..Self::nullable(name, kind) }
    }
}

impl fmt::Display for ColumnModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, nullable, default, identity } = self;
        write!(f, "{name} {kind}")?;
        f.write_str(if *nullable { "" } else { ", not null" })?;
        f.write_str(if *identity { ", numbered" } else { "" })?;
        default.as_ref().map_or(Ok(()), |value| write!(f, ", default {value}"))
    }
}

/// The rows of a partial index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// Rows whose column is NULL.
    Null(String),
    /// Rows whose column is not NULL.
    NotNull(String),
    /// Rows whose column is true.
    True(String),
    /// Rows whose column is false.
    False(String),
    /// Another expression, as the engine writes it.
    Other(String),
}

/// An index, or a unique constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexModel {
    /// Its name.
    pub name: String,
    /// Its columns, and whether each descends.
    pub columns: Vec<(String, bool)>,
    /// Whether it is unique.
    pub unique: bool,
    /// Whether it is a constraint of the table.
    pub constraint: bool,
    /// The rows it covers; `None` for all.
    pub only: Option<Predicate>,
}

impl IndexModel {
    /// Returns whether both are equivalent, apart from their names and origin.
    pub fn is_like(&self, other: &Self) -> bool {
        self.columns == other.columns && self.unique == other.unique && self.only == other.only
    }

    /// Returns whether it uses a column.
    pub fn mentions(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _)| name == column)
            || match &self.only {
                Some(
                    Predicate::Null(name)
                    | Predicate::NotNull(name)
                    | Predicate::True(name)
                    | Predicate::False(name),
                ) => name == column,
                Some(Predicate::Other(text)) => text.contains(column),
                None => false,
            }
    }

    /// Returns its columns as SQL lists them.
    pub fn list(&self) -> String {
        let column = |(name, descends): &(String, bool)| {
            if *descends { format!("{name} DESC") } else { name.clone() }
        };
        self.columns.iter().map(column).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for IndexModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", if self.unique { "unique " } else { "" }, self.list())?;
        match &self.only {
            None => Ok(()),
            Some(Predicate::Null(name)) => write!(f, " where {name} is null"),
            Some(Predicate::NotNull(name)) => write!(f, " where {name} is not null"),
            Some(Predicate::True(name)) => write!(f, " where {name}"),
            Some(Predicate::False(name)) => write!(f, " where not {name}"),
            Some(Predicate::Other(text)) => write!(f, " where {text}"),
        }
    }
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// Its name, where the engine keeps one.
    pub name: Option<String>,
    /// The columns.
    pub columns: Vec<String>,
    /// The referenced table.
    pub table: String,
    /// The referenced columns.
    pub references: Vec<String>,
    /// Whether changes cascade.
    pub cascades: bool,
}

impl ForeignKey {
    /// Returns whether both are equal, apart from their names.
    pub fn is_like(&self, other: &Self) -> bool {
        let Self { name: _, columns, table, references, cascades } = self;
        *columns == other.columns
            && *table == other.table
            && *references == other.references
            && *cascades == other.cascades
    }
}

impl fmt::Display for ForeignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { columns, table, references, cascades, .. } = self;
        write!(f, "({}) references {table} ({})", columns.join(", "), references.join(", "))?;
        f.write_str(if *cascades { ", cascading" } else { "" })
    }
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableModel {
    /// Its name.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<ColumnModel>,
    /// The columns of its primary key.
    pub key: Vec<String>,
    /// Its other indexes.
    pub indexes: Vec<IndexModel>,
    /// Its foreign keys.
    pub foreign: Vec<ForeignKey>,
    /// The initial rows: the values of its first column. Catalogs do not report them.
    pub rows: Vec<String>,
}

impl TableModel {
    /// Returns the column of this name.
    pub fn column(&self, name: &str) -> Option<&ColumnModel> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// The tables of a tier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// The tables, parents before children if declared.
    pub tables: Vec<TableModel>,
}

impl Model {
    /// Converts a declaration.
    pub fn of(tables: &[&Table]) -> Self {
        Self { tables: tables.iter().map(|table| TableModel::from(*table)).collect() }
    }

    /// Returns the table of this name.
    pub fn table(&self, name: &str) -> Option<&TableModel> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Returns the table of this name for changes.
    pub fn table_mut(&mut self, name: &str) -> Option<&mut TableModel> {
        self.tables.iter_mut().find(|table| table.name == name)
    }

    /// Returns the schema as sorted lines. Equal lines mean equal schemas, apart from the order of columns and the
    /// names of foreign keys.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for TableModel { name, columns, key, indexes, foreign, rows: _ } in &self.tables {
            lines.push(format!("{name} key ({})", key.join(", ")));
            lines.extend(columns.iter().map(|column| format!("{name}.{column}")));
            lines.extend(indexes.iter().map(|index| format!("{name} index {} {index}", index.name)));
            lines.extend(foreign.iter().map(|foreign| format!("{name} {foreign}")));
        }
        lines.sort_unstable();
        lines
    }
}

impl From<&Table> for TableModel {
    fn from(table: &Table) -> Self {
        let foreign = |column: &Column| {
            let parent = column.references?;
            Some(ForeignKey {
                name: Some(format!("{}_{}", table.name, column.name)),
                columns: vec![column.name.to_owned()],
                table: parent.to_owned(),
                references: vec!["id".to_owned()],
                cascades: false,
            })
        };
        Self {
            name: table.name.to_owned(),
            columns: table.columns.iter().map(ColumnModel::from).collect(),
            key: table.key.iter().map(|&name| name.to_owned()).collect(),
            indexes: table.indexes.iter().map(IndexModel::from).collect(),
            foreign: table.columns.iter().filter_map(foreign).collect(),
            rows: table.rows.iter().map(|&row| row.to_owned()).collect(),
        }
    }
}

impl From<&Column> for ColumnModel {
    fn from(column: &Column) -> Self {
        let kind = match (column.form, column.kind) {
            (StorageForm::Length(length), _) => Type::Text { length: Some(length), exact: false },
            (StorageForm::Code(length), _) => Type::Text { length: Some(length), exact: true },
            (StorageForm::Small, _) => Type::Small,
            (StorageForm::Json, _) => Type::Json,
            (StorageForm::Plain, ColumnType::Int) => Type::Int,
            (StorageForm::Plain, ColumnType::Text) => Type::TEXT,
            (StorageForm::Plain, ColumnType::Time) => Type::Time,
            (StorageForm::Plain, ColumnType::Date) => Type::Date,
            (StorageForm::Plain, ColumnType::Price) => Type::Price,
            (StorageForm::Plain, ColumnType::Bool) => Type::Bool,
            (StorageForm::Plain, ColumnType::Bytes) => Type::Bytes,
        };
        let default = column.default.map(|preset| match preset {
            ColumnDefault::Int(int) => DefaultValue::Int(int),
            ColumnDefault::Text(text) => DefaultValue::Text(text.to_owned()),
            ColumnDefault::Bool(bit) => DefaultValue::Bool(bit),
            ColumnDefault::Now => DefaultValue::Now,
        });
        let Column { name, nullable, identity, .. } = *column;
        Self { name: name.to_owned(), kind, nullable, default, identity }
    }
}

impl From<&Index> for IndexModel {
    fn from(index: &Index) -> Self {
        let column = |text: &&str| match text.strip_suffix(" DESC") {
            Some(name) => (name.to_owned(), true),
            None => ((*text).to_owned(), false),
        };
        let only = index.only.map(|only| match only {
            Only::Null(name) => Predicate::Null(name.to_owned()),
            Only::NotNull(name) => Predicate::NotNull(name.to_owned()),
            Only::True(name) => Predicate::True(name.to_owned()),
            Only::False(name) => Predicate::False(name.to_owned()),
        });
        let Index { name, unique, constraint, .. } = *index;
        let columns = index.columns.iter().map(column).collect();
        Self { name: name.to_owned(), columns, unique, constraint, only }
    }
}
