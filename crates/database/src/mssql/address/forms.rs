//! The forms in which an address is written.

use super::Mssql;
use super::options::Draft;
use crate::connection_string::{self, decoded};

fn form() -> String {
    "expected mssql://user:password@host:port/database".to_owned()
}

impl Mssql {
    /// Parses the rest of a URL after `mssql:` or the like. Errors never repeat a part that may be a password.
    pub fn parse(rest: &str) -> Result<Self, String> {
        Self::from_url(rest, false)
    }

    /// Parses an address in any form; `None` for a text that is no address of a SQL Server.
    pub fn recognise(text: &str) -> Option<Result<Self, String>> {
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("jdbc:sqlserver:") {
            return Some(Self::from_jdbc(&text["jdbc:sqlserver:".len()..]));
        }
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let scheme = scheme.to_ascii_lowercase();
        if scheme == "sqlserver" {
            // Go's form has parameters behind a question mark, Prisma's behind semicolons as JDBC's.
            let of_go = rest.contains('@') && !rest.contains(';');
            return Some(if of_go { Self::from_url(rest, true) } else { Self::from_jdbc(rest) });
        }
        if scheme == "mssql" || scheme.starts_with("mssql+") {
            return Some(Self::from_url(rest, false));
        }
        let name = text.split('=').next().unwrap_or("").trim().to_ascii_lowercase();
        let begins = ["server", "data source", "driver", "addr", "address", "database", "initial catalog"];
        begins.contains(&name.as_str()).then(|| Self::from_list(text))
    }

    /// Parses `Server=…;Database=…`.
    fn from_list(text: &str) -> Result<Self, String> {
        let mut draft = Draft::default();
        for (name, value) in connection_string::semicolons(text)? {
            draft.set(&name, &value)?;
        }
        draft.finish()
    }

    /// Parses `//host\instance:port;name=value`.
    fn from_jdbc(rest: &str) -> Result<Self, String> {
        let rest = rest.strip_prefix("//").ok_or("expected jdbc:sqlserver://host:port;databaseName=…")?;
        let (place, list) = rest.split_once(';').unwrap_or((rest, ""));
        let mut draft = Draft::default();
        if !place.is_empty() {
            place_with_port(&mut draft, place)?;
        }
        for (name, value) in connection_string::semicolons(list)? {
            draft.set(&name, &value)?;
        }
        draft.finish()
    }

    /// Parses `//user:password@host:port/database?name=value`. With `path_is_instance` the path names the instance, and the
    /// parameter `database` the database.
    fn from_url(rest: &str, path_is_instance: bool) -> Result<Self, String> {
        let rest = rest.strip_prefix("//").ok_or_else(form)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !rest.contains('@') && query.contains('@') {
            return Err("a ? in a password is written %3F".to_owned());
        }
        // The last one, since a password may be unescaped.
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let (place, path) = place.split_once('/').unwrap_or((place, ""));
        let mut draft = Draft::default();
        if let Some(login) = login.filter(|login| !login.is_empty()) {
            let (user, password) = login.split_once(':').ok_or_else(form)?;
            draft.set("user", &decoded(user)?)?;
            draft.set("password", &decoded(password)?)?;
        }
        if !place.is_empty() {
            place_with_port(&mut draft, place)?;
        }
        if !path.is_empty() {
            draft.set(if path_is_instance { "instance" } else { "database" }, &decoded(path)?)?;
        }
        for (name, value) in connection_string::query(query) {
            draft.set(&name, &value)?;
        }
        draft.finish()
    }
}

/// Reads `host`, `host:port`, `host\instance` or `[address]:port`.
fn place_with_port(draft: &mut Draft, place: &str) -> Result<(), String> {
    let (host, port) = match place.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (place, None),
    };
    draft.set("server", &decoded(host)?)?;
    port.map_or(Ok(()), |port| draft.port(port))
}
