//! The declaration of tables: what a column holds, how a table is keyed and indexed, and what moves to cold.
//!
//! A table is declared once. The SQL that makes it, the comparison with a live database, the import and the documentation follow
//! from the declaration.

/// The type of a column. Each engine has its own name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// A 64-bit integer.
    Int,
    /// Unicode text.
    Text,
    /// A UTC instant at microseconds.
    Time,
    /// A day.
    Date,
    /// `DECIMAL(10,2)`.
    Price,
    /// A boolean.
    Bool,
    /// Bytes.
    Bytes,
}

impl ColumnType {
    /// Returns its name in the catalogues of queries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Text => "text",
            Self::Time => "time",
            Self::Date => "date",
            Self::Price => "price",
            Self::Bool => "bool",
            Self::Bytes => "bytes",
        }
    }
}

/// The storage of a column, for engines that distinguish more than its [`ColumnType`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageForm {
    /// The default for the type; text without a limit.
    Plain,
    /// Text of at most so many UTF-16 code units, as SQL Server counts.
    Length(u16),
    /// The same, compared byte by byte independently of the database collation.
    Code(u16),
    /// An integer of 16 bits.
    Small,
    /// A JSON document.
    Json,
}

/// The value of a column that an `INSERT` does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnDefault {
    /// A number.
    Int(i64),
    /// A text.
    Text(&'static str),
    /// A boolean.
    Bool(bool),
    /// The current time. SQLite has no microsecond clock and leaves it to the writer.
    Now,
}

/// One column of a table and, where the table is archived, its counterpart in cold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its name in the cold tier.
    pub archived: &'static str,
    /// Its type.
    pub kind: ColumnType,
    /// Its storage.
    pub form: StorageForm,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Its default.
    pub default: Option<ColumnDefault>,
    /// Whether it is an identity column.
    pub identity: bool,
    /// The table whose `id` it refers to.
    pub references: Option<&'static str>,
}

/// Declares a column: not NULL, without a default, under the same name in cold.
pub const fn column(name: &'static str, kind: ColumnType) -> Column {
    let form = StorageForm::Plain;
    Column {
        name,
        archived: name,
        kind,
        form,
        nullable: false,
        default: None,
        identity: false,
        references: None,
    }
}

impl Column {
    /// Describes a parameter with its name and type, as catalogues of queries do.
    pub fn parameter(&self) -> String {
        format!("{} {}", self.name, self.kind.name())
    }

    /// Allows NULL.
    #[must_use]
    pub const fn null(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// Sets how the value is stored.
    #[must_use]
    pub const fn form(self, form: StorageForm) -> Self {
        Self { form, ..self }
    }

    /// Sets the value of a row that names none.
    #[must_use]
    pub const fn default(self, default: ColumnDefault) -> Self {
        Self { default: Some(default), ..self }
    }

    /// Makes the column a reference to the `id` of `table`.
    #[must_use]
    pub const fn of(self, table: &'static str) -> Self {
        Self { references: Some(table), ..self }
    }
}

/// The identity column of a row.
pub const ID: Column = Column { identity: true, archived: "original_id", ..column("id", ColumnType::Int) };

/// The rows of a partial index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// Rows whose column is NULL.
    Null(&'static str),
    /// Rows whose column is not NULL.
    NotNull(&'static str),
    /// Rows whose column is true.
    True(&'static str),
    /// Rows whose column is false.
    False(&'static str),
}

/// An index of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name, unique in the database.
    pub name: &'static str,
    /// Its columns, each followed by ` DESC` where it descends.
    pub columns: &'static [&'static str],
    /// Whether it is unique.
    pub unique: bool,
    /// Whether it is a constraint of the table.
    pub constraint: bool,
    /// The rows it covers; `None` for all.
    pub only: Option<Only>,
    /// Its purpose, for the documentation.
    pub about: &'static str,
}

/// Declares an index over all rows that allows duplicates.
pub const fn index(name: &'static str, columns: &'static [&'static str], about: &'static str) -> Index {
    Index { name, columns, unique: false, constraint: false, only: None, about }
}

impl Index {
    /// Forbids two rows that agree in all columns.
    #[must_use]
    pub const fn unique(self) -> Self {
        Self { unique: true, ..self }
    }

    /// Makes the index a unique constraint of the table.
    #[must_use]
    pub const fn constraint(self) -> Self {
        Self { unique: true, constraint: true, ..self }
    }

    /// Restricts the index to some rows.
    #[must_use]
    pub const fn only(self, only: Only) -> Self {
        Self { only: Some(only), ..self }
    }
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The name of its archive table in cold; `None` for a table that stays in hot.
    pub archived: Option<&'static str>,
    /// Its columns, in the order in which digests encode them.
    pub columns: &'static [Column],
    /// Its primary key. SQLite uses the identity column alone.
    pub key: &'static [&'static str],
    /// Its other indexes.
    pub indexes: &'static [Index],
    /// The rows it is created with: the values of its first column.
    pub rows: &'static [&'static str],
    /// Its purpose, for the documentation.
    pub about: &'static str,
}

impl Table {
    /// Returns the select list of its columns in hot.
    pub fn names(&self) -> String {
        self.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    }

    /// Returns the select list of its columns in cold, under their names in hot.
    pub fn names_in_cold(&self) -> String {
        let name = |column: &Column| {
            if column.name == column.archived {
                column.name.to_owned()
            } else {
                format!("{} AS {}", column.archived, column.name)
            }
        };
        self.columns.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

/// Declares a table that stays in its tier, with `id` as its primary key.
pub const fn table(name: &'static str, columns: &'static [Column], about: &'static str) -> Table {
    Table { name, archived: None, columns, key: &["id"], indexes: &[], rows: &[], about }
}

impl Table {
    /// Names the table of the cold tier that archived rows go to.
    #[must_use]
    pub const fn moves_to(self, archived: &'static str) -> Self {
        Self { archived: Some(archived), ..self }
    }

    /// Sets the primary key.
    #[must_use]
    pub const fn key(self, key: &'static [&'static str]) -> Self {
        Self { key, ..self }
    }

    /// Sets the other indexes.
    #[must_use]
    pub const fn indexes(self, indexes: &'static [Index]) -> Self {
        Self { indexes, ..self }
    }

    /// Sets the first column of the rows the table is created with.
    #[must_use]
    pub const fn rows(self, rows: &'static [&'static str]) -> Self {
        Self { rows, ..self }
    }
}
