//! Where settings come from: command-line flags, environment variables and a TOML file, in falling precedence. A secret can
//! also stand in a file of its own, which a setting names that ends in `_FILE`.
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
use super::service_links;

/// Environment variables with this prefix belong to the program: an unknown one is an error.
const PREFIX: &str = "THERMOCLINE_";
/// Except these, which belong to its tests.
const TEST_PREFIX: &str = "THERMOCLINE_TEST_";
/// Variables with these prefixes may belong to the program, or to others beside it.
const SHARED_PREFIXES: [&str; 4] = ["CONSOLE_OIDC_", "JWT_", "MSSQL_", "POSTGRES_"];
/// Prefixes that no other program uses: an unknown variable with one of them is a misspelt setting.
const URL_PREFIXES: [&str; 2] = ["HOT_DATABASE_", "COLD_DATABASE_"];

/// A setting: its dotted key in the file and its environment variable.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    key: String,
    variable: String,
    /// Whether a file may hold it as a truth value too.
    switch: bool,
    /// Whether the value may stand in a file of its own.
    is_secret: bool,
}

impl Setting {
    /// Returns a setting whose variable is its key in capitals, such as `JWT_SECRET`.
    pub fn shared(key: &str) -> Self {
        Self { key: key.to_owned(), variable: capitals(key), switch: false, is_secret: false }
    }

    /// Returns a setting whose variable has the program's prefix, such as `THERMOCLINE_ARCHIVE_BATCH`.
    pub fn own(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            variable: format!("{PREFIX}{}", capitals(key)),
            switch: false,
            is_secret: false,
        }
    }

    /// Returns a setting with the program's prefix that is `true` or `false`.
    pub fn switch(key: &str) -> Self {
        Self { switch: true, ..Self::own(key) }
    }

    /// Marks a setting whose value may stand in a file of its own.
    pub fn secret_if(self, is_secret: bool) -> Self {
        Self { is_secret, ..self }
    }

    /// Returns the setting that names the file.
    fn of_file(&self) -> Self {
        Self {
            key: file_key(&self.key),
            variable: format!("{}_FILE", self.variable),
            switch: false,
            is_secret: false,
        }
    }
}

fn file_key(key: &str) -> String {
    format!("{key}_file")
}

fn capitals(key: &str) -> String {
    key.replace('.', "_").to_ascii_uppercase()
}

/// The precedence of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// The settings file.
    File,
    /// The environment.
    Variable,
    /// The command line.
    Flag,
}

/// Where a value was set.
#[derive(Clone)]
enum Origin {
    Flag(&'static str),
    Variable(String),
    File { position: String, key: String },
}

impl Origin {
    const fn rank(&self) -> Rank {
        match self {
            Self::Flag(_) => Rank::Flag,
            Self::Variable(_) => Rank::Variable,
            Self::File { .. } => Rank::File,
        }
    }
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
        let files: Vec<Setting> =
            settings.iter().filter(|setting| setting.is_secret).map(Setting::of_file).collect();
        Self { settings: settings.into_iter().chain(files).collect(), values: BTreeMap::new() }
    }

    /// Reads a TOML file.
    pub fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::new(&name, format!("cannot be read: {error}")))?;
        let position = |offset| position(&name, &text, offset);
        let table = DeTable::parse(&text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            ConfigError::new(position(offset), syntax_fault(error.message()))
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
        let variables: Vec<_> = variables.collect();
        for (name, _) in &variables {
            if let Some(meant) =
                self.misspelt(name).filter(|meant| variables.iter().all(|(set, _)| set != *meant))
            {
                return Err(ConfigError::new(name, format!("unknown setting; {meant} was meant?")));
            }
        }
        for (name, value) in variables {
            match self.settings.iter().find(|known| known.variable == name) {
                Some(_) if value.is_empty() => {}
                Some(setting) if service_links::is_port(&setting.variable, &value) => {}
                Some(setting) => {
                    self.values.insert(setting.key.clone(), (value, Origin::Variable(name)));
                }
                None if name.starts_with(PREFIX) && service_links::is_link(&name, &value) => {}
                None if name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX) => {
                    return Err(ConfigError::new(name, "unknown setting"));
                }
                None if URL_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) => {
                    return Err(ConfigError::new(name, "unknown setting"));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Returns the variable that an unknown one of a shared prefix is so similar to that it must be a misspelling of it. Other
    /// programs have variables with these prefixes too, such as `POSTGRES_DB`.
    fn misspelt(&self, name: &str) -> Option<&str> {
        let prefix = SHARED_PREFIXES.into_iter().find(|prefix| name.starts_with(prefix))?;
        if self.settings.iter().any(|known| known.variable == name) {
            return None;
        }
        let mut similar = self.settings.iter().map(|known| known.variable.as_str());
        similar.find(|known| known.starts_with(prefix) && strsim::osa_distance(known, name) <= 2)
    }

    /// Reads the secrets that stand in files of their own. Last: the source of higher precedence decides between a value and
    /// a file.
    ///
    /// # Errors
    /// Both from the same source, or a file that cannot be used.
    pub fn read_secret_files(&mut self) -> Result<(), ConfigError> {
        let secrets: Vec<String> = self
            .settings
            .iter()
            .filter(|setting| setting.is_secret)
            .map(|setting| setting.key.clone())
            .collect();
        for key in secrets {
            let file_key = file_key(&key);
            let Some((path, origin)) = self.values.get(&file_key).cloned() else { continue };
            match self.rank(&key) {
                Some(rank) if rank > origin.rank() => continue,
                Some(rank) if rank == origin.rank() => {
                    return Err(self.error(&file_key, format!("{} is set too", self.name(&key))));
                }
                _ => {}
            }
            let text = std::fs::read_to_string(&path)
                .map_err(|error| self.error(&file_key, format!("{path} cannot be read: {error}")))?;
            let secret = text.trim_end_matches(['\r', '\n']);
            if secret.is_empty() {
                return Err(self.error(&file_key, format!("{path} is empty")));
            }
            self.values.insert(key, (secret.to_owned(), origin));
        }
        Ok(())
    }

    /// Reads a command-line flag, if it was given.
    pub fn read_flag(&mut self, flag: &'static str, key: &str, value: Option<String>) {
        if let Some(value) = value {
            self.values.insert(key.to_owned(), (value, Origin::Flag(flag)));
        }
    }

    /// Returns the precedence of the source that set a setting.
    pub fn rank(&self, key: &str) -> Option<Rank> {
        self.values.get(key).map(|(_, origin)| origin.rank())
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
        Ok(self.choice(key)?.unwrap_or(false))
    }

    /// Returns the value of a setting that is `true` or `false`, if it is set.
    pub fn choice(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        self.parse(key, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("expected true or false"),
        })
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

/// Returns the message of the parser if it cannot hold anything of the file, which may be a secret.
fn syntax_fault(message: &str) -> &str {
    if message.contains(['`', '"', '\'']) {
        message.split(['`', '"', '\'']).next().unwrap_or("").trim_end()
    } else {
        message
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
