//! Where settings come from: command-line flags, environment variables and a TOML file, in falling precedence.
//!
//! Every value is kept as text together with its origin, so that an error names the flag, the variable, or the file
//! with line and column.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;

/// Environment variables with this prefix belong to the program: an unknown one is an error.
const PREFIX: &str = "THERMOCLINE_";
/// Except these, which belong to its tests.
const TEST_PREFIX: &str = "THERMOCLINE_TEST_";

/// A setting: its dotted key in the file and its environment variable.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    key: String,
    variable: String,
    /// Whether a file may hold it as a truth value too.
    switch: bool,
}

impl Setting {
    /// Returns a setting whose variable is its key in capitals, such as `JWT_SECRET`.
    pub fn shared(key: &str) -> Self {
        Self { key: key.to_owned(), variable: capitals(key), switch: false }
    }

    /// Returns a setting whose variable has the program's prefix, such as `THERMOCLINE_ARCHIVE_BATCH`.
    pub fn own(key: &str) -> Self {
        Self { key: key.to_owned(), variable: format!("{PREFIX}{}", capitals(key)), switch: false }
    }

    /// Returns a setting with the program's prefix that is `true` or `false`.
    pub fn switch(key: &str) -> Self {
        Self { switch: true, ..Self::own(key) }
    }
}

fn capitals(key: &str) -> String {
    key.replace('.', "_").to_ascii_uppercase()
}

/// Where a value was set.
enum Origin {
    Flag(&'static str),
    Variable(String),
    File { position: String, key: String },
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Variable(name) => f.write_str(name),
            Self::File { position, key } => write!(f, "{position}: {key}"),
        }
    }
}

/// The values that were set, each from the source of the highest precedence.
pub(super) struct Values {
    settings: Vec<Setting>,
    values: BTreeMap<String, (String, Origin)>,
}

impl Values {
    /// Returns no values for `settings` yet. Sources are read in rising precedence.
    pub fn new(settings: Vec<Setting>) -> Self {
        Self { settings, values: BTreeMap::new() }
    }

    /// Reads a TOML file.
    pub fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::new(&name, format!("cannot be read: {error}")))?;
        let position = |offset| position(&name, &text, offset);
        let table = DeTable::parse(&text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            ConfigError::new(position(offset), error.message())
        })?;
        self.read_table(table.get_ref(), "", &position)
    }

    fn read_table(
        &mut self,
        table: &DeTable<'_>,
        parent: &str,
        position: &dyn Fn(usize) -> String,
    ) -> Result<(), ConfigError> {
        for (name, value) in table {
            let key = format!("{parent}{}", name.get_ref());
            let error = |span: std::ops::Range<usize>, fault: &str| {
                ConfigError::new(format!("{}: {key}", position(span.start)), fault)
            };
            let prefix = format!("{key}.");
            match value.get_ref() {
                DeValue::Table(inner) if self.settings.iter().any(|known| known.key.starts_with(&prefix)) => {
                    self.read_table(inner, &prefix, position)?;
                }
                _ if self.settings.iter().all(|known| known.key != key) => {
                    return Err(error(name.span(), "unknown setting"));
                }
                DeValue::Boolean(on)
                    if self.settings.iter().any(|known| known.key == key && known.switch) =>
                {
                    let origin = Origin::File { position: position(value.span().start), key: key.clone() };
                    self.values.insert(key, (on.to_string(), origin));
                }
                _ => {
                    let text = scalar(value)
                        .ok_or_else(|| error(value.span(), "expected a text or a whole number"))?;
                    let origin = Origin::File { position: position(value.span().start), key: key.clone() };
                    self.values.insert(key, (text, origin));
                }
            }
        }
        Ok(())
    }

    /// Reads environment variables. An empty one counts as not set, because compose files cannot leave one out.
    pub fn read_environment(
        &mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        for (name, value) in variables {
            match self.settings.iter().find(|known| known.variable == name) {
                Some(_) if value.is_empty() => {}
                Some(setting) => {
                    self.values.insert(setting.key.clone(), (value, Origin::Variable(name)));
                }
                None if name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX) => {
                    return Err(ConfigError::new(name, "unknown setting"));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Reads a command-line flag, if it was given.
    pub fn read_flag(&mut self, flag: &'static str, key: &str, value: Option<String>) {
        if let Some(value) = value {
            self.values.insert(key.to_owned(), (value, Origin::Flag(flag)));
        }
    }

    /// Returns the value of a setting.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|(text, _)| text.as_str())
    }

    /// Returns the value of a setting as a `String`.
    pub fn owned(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    /// Returns the value of a setting, read by `parse`.
    pub fn parse<T, E: Display>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ConfigError> {
        self.text(key).map(|text| parse(text).map_err(|fault| self.error(key, fault))).transpose()
    }

    /// Returns the value of a setting that is `true` or `false`, which is the default.
    pub fn switch(&self, key: &str) -> Result<bool, ConfigError> {
        let on = self.parse(key, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("expected true or false"),
        })?;
        Ok(on.unwrap_or(false))
    }

    /// Returns the value of a setting that is a whole number.
    pub fn number(&self, key: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, ConfigError> {
        self.parse(key, |text| {
            let number = text.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| match (range.start(), range.end()) {
                (start, &u32::MAX) => format!("expected a whole number from {start}"),
                (start, end) => format!("expected a whole number from {start} to {end}"),
            })
        })
    }

    /// Returns an error about a setting, which names where it was set.
    pub fn error(&self, key: &str, fault: impl Display) -> ConfigError {
        ConfigError::new(self.name(key), fault)
    }

    /// Returns where a setting was set; for one that was not, its variable.
    pub fn name(&self, key: &str) -> String {
        if let Some((_, origin)) = self.values.get(key) {
            return origin.to_string();
        }
        let setting = self.settings.iter().find(|known| known.key == key);
        setting.map_or_else(|| key.to_owned(), |setting| setting.variable.clone())
    }
}

/// Returns a text or a whole number of a file as text.
fn scalar(value: &Spanned<DeValue<'_>>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
        }
        _ => None,
    }
}

/// Returns `FILE, line L, column C` for a byte offset; both count from 1, columns in characters.
fn position(file: &str, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.matches('\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    format!("{file}, line {line}, column {column}")
}
