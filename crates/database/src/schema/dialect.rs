//! The dialect of each engine: types, defaults and predicates, written and parsed.

use super::model::{ColumnModel, DefaultValue, ForeignKey, IndexModel, Model, Predicate, Type};

/// A dialect of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, of either tier.
    Sqlite,
    /// PostgreSQL, of either tier.
    Postgres,
    /// SQL Server and compatible servers, of the hot tier.
    Mssql,
}

impl Dialect {
    /// Every engine.
    pub const ALL: [Self; 3] = [Self::Mssql, Self::Postgres, Self::Sqlite];
    /// The engines of the hot tier.
    pub const HOT: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::Mssql];
    /// The engines of the cold tier.
    pub const COLD: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// Returns its name, which is also the name of its migrations' directory.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mssql => "mssql",
        }
    }

    /// Returns the engine of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    /// Returns a name in the engine's quotes.
    pub fn quoted(self, name: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::Mssql => format!("[{}]", name.replace(']', "]]")),
        }
    }

    /// Returns the schema as this engine's catalogs report it: SQLite has only integers and texts, PostgreSQL has no
    /// lengths.
    #[must_use]
    pub fn fold(self, model: &Model) -> Model {
        let mut model = model.clone();
        for table in &mut model.tables {
            for column in &mut table.columns {
                column.kind = self.fold_type(&column.kind);
                column.default =
                    column.default.take().and_then(|value| self.fold_default(&column.kind, value));
            }
            if self == Self::Sqlite
                && let Some(identity) = table.columns.iter().find(|column| column.identity)
            {
                table.key = vec![identity.name.clone()];
            }
        }
        model
    }

    fn fold_type(self, kind: &Type) -> Type {
        match (self, kind) {
            (Self::Sqlite, Type::Narrow | Type::Small | Type::Time | Type::Date | Type::Bool) => Type::Int,
            (Self::Sqlite, Type::Price | Type::Json) | (Self::Sqlite | Self::Postgres, Type::Text { .. }) => {
                Type::TEXT
            }
            (Self::Mssql, Type::Json) => Type::TEXT,
            (_, kind) => kind.clone(),
        }
    }

    fn fold_default(self, kind: &Type, value: DefaultValue) -> Option<DefaultValue> {
        match (self, value) {
            (Self::Sqlite, DefaultValue::Now) => None,
            // As another engine keeps it.
            (Self::Postgres, DefaultValue::Int(bit)) if *kind == Type::Bool => {
                Some(DefaultValue::Bool(bit != 0))
            }
            (Self::Sqlite | Self::Mssql, DefaultValue::Bool(bit)) => Some(DefaultValue::Int(i64::from(bit))),
            (_, value) => Some(value),
        }
    }

    /// Returns a column's type for a definition.
    pub fn type_name(self, kind: &Type) -> String {
        let name = match (self, kind) {
            (_, Type::Other(text)) => text,
            (Self::Sqlite, Type::Price | Type::Json | Type::Text { .. }) => "TEXT",
            (Self::Sqlite, Type::Bytes) => "BLOB",
            (Self::Sqlite, _) | (Self::Postgres, Type::Narrow) => "INTEGER",
            (_, Type::Int) => "BIGINT",
            (Self::Mssql, Type::Narrow) => "INT",
            (_, Type::Small) => "SMALLINT",
            (Self::Postgres, Type::Text { .. }) => "TEXT COLLATE \"C\"",
            (Self::Mssql, Type::Text { length, exact }) => {
                let length = length.map_or("MAX".to_owned(), |length| length.to_string());
                let collation = if *exact { " COLLATE Latin1_General_BIN2" } else { "" };
                return format!("NVARCHAR({length}){collation}");
            }
            (Self::Postgres, Type::Time) => "TIMESTAMPTZ",
            (Self::Mssql, Type::Time) => "DATETIME2(6)",
            (_, Type::Date) => "DATE",
            (Self::Postgres, Type::Price) => "NUMERIC(10, 2)",
            (Self::Mssql, Type::Price) => "DECIMAL(10, 2)",
            (Self::Postgres, Type::Bool) => "BOOLEAN",
            (Self::Mssql, Type::Bool) => "BIT",
            (Self::Postgres, Type::Json) => "JSONB",
            (Self::Mssql, Type::Json) => "NVARCHAR(MAX)",
            (Self::Postgres, Type::Bytes) => "BYTEA",
            (Self::Mssql, Type::Bytes) => "VARBINARY(MAX)",
        };
        name.to_owned()
    }

    /// Parses a type as the catalog names it.
    pub fn read_type(self, text: &str) -> Type {
        let name = text.to_ascii_lowercase();
        match (self, name.as_str()) {
            (Self::Sqlite, "integer") | (Self::Postgres | Self::Mssql, "bigint") => Type::Int,
            (Self::Postgres, "integer") | (Self::Mssql, "int") => Type::Narrow,
            (Self::Postgres | Self::Mssql, "smallint") => Type::Small,
            (Self::Sqlite | Self::Postgres, "text") => Type::TEXT,
            (Self::Postgres, "timestamp with time zone") | (Self::Mssql, "datetime2(6)") => Type::Time,
            (Self::Postgres | Self::Mssql, "date") => Type::Date,
            (Self::Postgres, "numeric(10,2)") | (Self::Mssql, "decimal(10,2)" | "numeric(10,2)") => {
                Type::Price
            }
            (Self::Postgres, "boolean") | (Self::Mssql, "bit") => Type::Bool,
            (Self::Postgres, "jsonb") => Type::Json,
            (Self::Sqlite, "blob") | (Self::Postgres, "bytea") | (Self::Mssql, "varbinary(max)") => {
                Type::Bytes
            }
            (Self::Mssql, name) => {
                let plain = name.strip_suffix(" collate latin1_general_bin2");
                let limit =
                    plain.unwrap_or(name).strip_prefix("nvarchar(").and_then(|rest| rest.strip_suffix(')'));
                let length = match limit {
                    Some("max") => None,
                    Some(length) => match length.parse() {
                        Ok(length) => Some(length),
                        Err(_) => return Type::Other(text.to_owned()),
                    },
                    None => return Type::Other(plain.unwrap_or(text).to_owned()),
                };
                Type::Text { length, exact: plain.is_some() }
            }
            _ => Type::Other(text.to_owned()),
        }
    }

    /// Parses a type of a platform's column. In PostgreSQL a platform has its own kinds of text, which hold what they hold.
    pub fn read_platform_type(self, text: &str) -> Type {
        let limit = text.strip_prefix("character varying(").and_then(|rest| rest.strip_suffix(')'));
        match (self, text, limit.and_then(|limit| limit.parse().ok())) {
            (Self::Postgres, "citext" | "character varying", _) => Type::TEXT,
            (Self::Postgres, _, Some(limit)) => Type::Text { length: Some(limit), exact: false },
            _ => self.read_type(text),
        }
    }

    /// Returns a default for a definition.
    pub fn default_text(self, value: &DefaultValue) -> String {
        match (self, value) {
            (_, DefaultValue::Int(int)) => int.to_string(),
            (Self::Mssql, DefaultValue::Text(text)) => format!("N'{}'", text.replace('\'', "''")),
            (_, DefaultValue::Text(text)) => format!("'{}'", text.replace('\'', "''")),
            (Self::Postgres, DefaultValue::Bool(bit)) => bit.to_string(),
            (_, DefaultValue::Bool(bit)) => i64::from(*bit).to_string(),
            (Self::Postgres, DefaultValue::Now) => "now()".to_owned(),
            (Self::Mssql, DefaultValue::Now) => "SYSUTCDATETIME()".to_owned(),
            (Self::Sqlite, DefaultValue::Now) => {
                "(CAST(unixepoch('subsec') * 1000000 AS INTEGER))".to_owned()
            }
            (_, DefaultValue::Other(text)) => text.clone(),
        }
    }

    /// Parses a default as the catalog writes it.
    pub fn read_default(self, text: &str) -> DefaultValue {
        let bare = bare(text);
        // PostgreSQL appends a type cast.
        let bare =
            match bare.split_once("::") {
                Some((value, kind)) if self == Self::Postgres => {
                    if kind.ends_with("int") || kind == "integer" { value.trim_matches('\'') } else { value }
                }
                _ => bare,
            };
        let quoted = bare.strip_prefix('N').unwrap_or(bare);
        if let Some(text) = quoted.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            return DefaultValue::Text(text.replace("''", "'"));
        }
        if let Ok(int) = bare.parse() {
            return DefaultValue::Int(int);
        }
        match bare.to_ascii_lowercase().as_str() {
            "true" => DefaultValue::Bool(true),
            "false" => DefaultValue::Bool(false),
            "now()" | "sysutcdatetime()" | "sys.sysutcdatetime()" => DefaultValue::Now,
            _ => DefaultValue::Other(text.to_owned()),
        }
    }

    /// Returns the predicate of an index for its definition.
    pub fn predicate_text(self, only: &Predicate) -> String {
        match only {
            Predicate::Null(name) => format!("{name} IS NULL"),
            Predicate::NotNull(name) => format!("{name} IS NOT NULL"),
            Predicate::True(name) if self == Self::Postgres => name.clone(),
            Predicate::True(name) => format!("{name} = 1"),
            Predicate::False(name) if self == Self::Postgres => format!("NOT {name}"),
            Predicate::False(name) => format!("{name} = 0"),
            Predicate::Other(text) => text.clone(),
        }
    }

    /// Parses the predicate of an index as the catalog writes it.
    pub fn read_predicate(self, text: &str) -> Predicate {
        let plain: String = text.chars().filter(|c| !matches!(c, '[' | ']' | '"')).collect();
        let plain = bare(&plain).replace('=', " = ");
        let words: Vec<&str> = plain.split_whitespace().collect();
        let is_name = |word: &str| word.chars().all(|c| c.is_alphanumeric() || c == '_');
        let is = |word: &str, wanted: &str| word.eq_ignore_ascii_case(wanted);
        match words.as_slice() {
            [name, a, b] if is(a, "is") && is(b, "null") => Predicate::Null((*name).to_owned()),
            [name, a, b, c] if is(a, "is") && is(b, "not") && is(c, "null") => {
                Predicate::NotNull((*name).to_owned())
            }
            [name, "=", "1" | "(1)"] if is_name(name) => Predicate::True((*name).to_owned()),
            [name, "=", "0" | "(0)"] if is_name(name) => Predicate::False((*name).to_owned()),
            [not, name] if is(not, "not") && is_name(name) => Predicate::False((*name).to_owned()),
            [name] if self == Self::Postgres && is_name(name) => Predicate::True((*name).to_owned()),
            _ => Predicate::Other(text.trim().to_owned()),
        }
    }

    /// Returns the inspected schema with the declaration's details where this engine cannot tell a difference: a
    /// schema that is valid for any engine.
    #[must_use]
    pub fn lift(self, live: &Model, declared: &Model) -> Model {
        let folded = self.fold(declared);
        let mut lifted = live.clone();
        for table in &mut lifted.tables {
            let (Some(seen), Some(meant)) = (folded.table(&table.name), declared.table(&table.name)) else {
                continue;
            };
            for column in &mut table.columns {
                if let (Some(seen), Some(meant)) = (seen.column(&column.name), meant.column(&column.name)) {
                    lift_column(column, seen, meant);
                }
            }
            if table.key == seen.key {
                table.key.clone_from(&meant.key);
            }
            lift_each(&mut table.indexes, &seen.indexes, &meant.indexes, IndexModel::is_like);
            lift_each(&mut table.foreign, &seen.foreign, &meant.foreign, ForeignKey::is_like);
            table.rows.clone_from(&meant.rows);
        }
        // In the order of the declaration, undeclared columns last.
        let place = |name: &str| declared.tables.iter().position(|table| table.name == name);
        lifted.tables.sort_by_key(|table| place(&table.name).unwrap_or(usize::MAX));
        lifted
    }
}

/// The type of PostgreSQL for instants without a zone. Sessions are in UTC, and so are such instants.
pub(crate) const WITHOUT_ZONE: &str = "timestamp without time zone";

/// A 32-bit integer is as good as a 64-bit one, and an instant in UTC as one with a zone: a platform's own columns keep their
/// types.
pub(super) fn is_tolerated(live: &Type, meant: &Type) -> bool {
    match meant {
        Type::Int => *live == Type::Narrow,
        Type::Time => matches!(live, Type::Other(kind) if kind == WITHOUT_ZONE),
        _ => false,
    }
}

fn lift_column(column: &mut ColumnModel, seen: &ColumnModel, meant: &ColumnModel) {
    if column.kind == seen.kind || is_tolerated(&column.kind, &seen.kind) {
        column.kind = meant.kind.clone();
    }
    if column.default == seen.default {
        column.default.clone_from(&meant.default);
    }
}

fn lift_each<T: Clone>(live: &mut [T], seen: &[T], meant: &[T], is_like: fn(&T, &T) -> bool) {
    for one in live {
        if let Some(place) = seen.iter().position(|other| is_like(one, other)) {
            *one = meant[place].clone();
        }
    }
}

/// Strips spaces and parentheses around `text`.
fn bare(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'))
        && is_balanced(inner)
    {
        text = inner.trim();
    }
    text
}

fn is_balanced(text: &str) -> bool {
    let mut depth = 0;
    for c in text.chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_catalogs_write_is_read() {
        for (dialect, text, value) in [
            (Dialect::Sqlite, "0", DefaultValue::Int(0)),
            (Dialect::Mssql, "((0))", DefaultValue::Int(0)),
            (Dialect::Mssql, "(sysutcdatetime())", DefaultValue::Now),
            (Dialect::Mssql, "(getdate())", DefaultValue::Other("(getdate())".to_owned())),
            (Dialect::Mssql, "(N'it''s')", DefaultValue::Text("it's".to_owned())),
            (Dialect::Postgres, "'new'::text", DefaultValue::Text("new".to_owned())),
            (Dialect::Postgres, "false", DefaultValue::Bool(false)),
            (Dialect::Postgres, "'-5'::bigint", DefaultValue::Int(-5)),
            (Dialect::Postgres, "now()", DefaultValue::Now),
        ] {
            assert_eq!(dialect.read_default(text), value, "{text}");
        }
        let to_epoch = || "to_epoch".to_owned();
        for (dialect, text, predicate) in [
            (Dialect::Sqlite, "to_epoch IS NULL", Predicate::Null(to_epoch())),
            (Dialect::Postgres, "(to_epoch IS NOT NULL)", Predicate::NotNull(to_epoch())),
            (Dialect::Mssql, "([to_epoch] IS NULL)", Predicate::Null(to_epoch())),
            (Dialect::Mssql, "([held]=(1))", Predicate::True("held".to_owned())),
            (Dialect::Mssql, "([n]>=(1))", Predicate::Other("([n]>=(1))".to_owned())),
            (Dialect::Sqlite, "confirmed = 1", Predicate::True("confirmed".to_owned())),
            (Dialect::Postgres, "confirmed", Predicate::True("confirmed".to_owned())),
            (Dialect::Sqlite, "is_read = 0", Predicate::False("is_read".to_owned())),
            (Dialect::Postgres, "(NOT is_read)", Predicate::False("is_read".to_owned())),
            (Dialect::Mssql, "([is_read]=(0))", Predicate::False("is_read".to_owned())),
        ] {
            assert_eq!(dialect.read_predicate(text), predicate, "{text}");
        }
    }
}
