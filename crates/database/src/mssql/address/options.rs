//! The parameters of an address under the names that SQL Server's drivers give them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Encrypt, Mssql, seconds_up_to};
use crate::connection_string::{self, switch};

/// Parameters of other drivers that change nothing about where and how the program connects.
const IGNORED: [&str; 24] = [
    "driver",
    "marsconnection",
    "mars",
    "multipleactiveresultsets",
    "pooling",
    "minpoolsize",
    "maxpoolsize",
    "persistsecurityinfo",
    "packetsize",
    "wsid",
    "workstationid",
    "charset",
    "autocommit",
    "fastexecutemany",
    "sendstringparametersasunicode",
    "commandtimeout",
    "connectretrycount",
    "connectretryinterval",
    "tdsversion",
    "type",
    "responsebuffering",
    "selectmethod",
    "locktimeout",
    "enlist",
];

/// An address that is being read.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub address: Mssql,
    /// The parameters that were read, each under its only name.
    seen: BTreeSet<&'static str>,
}

impl Draft {
    /// Reads one parameter.
    ///
    /// # Errors
    /// An unknown or repeated parameter, or an unusable value, without the value of one that may be secret.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let bare: String = name.to_ascii_lowercase().chars().filter(|c| !" _-".contains(*c)).collect();
        let only = match bare.as_str() {
            "server" | "datasource" | "address" | "addr" | "networkaddress" | "servername" => "server",
            "port" | "portnumber" => "port",
            "instance" | "instancename" => "instance",
            "database" | "initialcatalog" | "databasename" => "database",
            "user" | "uid" | "userid" | "username" => "user",
            "password" | "pwd" => "password",
            "encrypt" => "encrypt",
            "trustservercertificate" => "TrustServerCertificate",
            "ca" | "trustservercertificateca" => "ca",
            "hostnameincertificate" => "HostNameInCertificate",
            "connecttimeout" | "connectiontimeout" | "timeout" | "logintimeout" => "connect_timeout",
            "writetimeout" => "write_timeout",
            "applicationintent" => "ApplicationIntent",
            "applicationname" | "app" | "programname" => "ApplicationName",
            "multisubnetfailover" => "MultiSubnetFailover",
            "accesstokenfile" => "access_token_file",
            "authentication" => "Authentication",
            "integratedsecurity" | "trustedconnection" => "Trusted_Connection",
            "odbcconnect" => "odbc_connect",
            ignored if IGNORED.contains(&ignored) => return Ok(()),
            _ => return Err(connection_string::unknown(name)),
        };
        if !self.seen.insert(only) {
            return Err(format!("{only} is given twice"));
        }
        self.apply(only, value)
    }

    fn apply(&mut self, name: &'static str, value: &str) -> Result<(), String> {
        let address = &mut self.address;
        match name {
            "server" => return self.server(value),
            "port" => address.port = port(value)?,
            "instance" => address.instance = Some(value.to_owned()),
            "database" => value.clone_into(&mut address.database),
            "user" => value.clone_into(&mut address.user),
            "password" => address.password = value.into(),
            "encrypt" => address.encrypt = Encrypt::parse(value)?,
            "TrustServerCertificate" => address.trust_any_certificate = switch(name, value)?,
            "ca" => address.ca = Some(value.into()),
            "HostNameInCertificate" => address.certificate_host = Some(value.to_owned()),
            "connect_timeout" => address.connect_timeout = connect_timeout(value)?,
            "write_timeout" => address.write_timeout = seconds_up_to(name, value, 86_400)?,
            "ApplicationIntent" => {
                address.read_only_intent = match value.to_ascii_lowercase().as_str() {
                    "readonly" => true,
                    "readwrite" => false,
                    _ => return Err(format!("{name}: expected ReadOnly or ReadWrite")),
                }
            }
            "ApplicationName" => value.clone_into(&mut address.application),
            "MultiSubnetFailover" => address.race_addresses = switch(name, value)?,
            "access_token_file" => address.access_token_file = Some(value.into()),
            "Authentication" if bare_word(value) == "sqlpassword" => {}
            "Authentication" => {
                return Err(format!("{name}: expected SqlPassword; for Entra ID, access_token_file"));
            }
            "odbc_connect" => {
                for (name, value) in connection_string::semicolons(value)? {
                    self.set(&name, &value)?;
                }
            }
            _ if matches!(bare_word(value).as_str(), "no" | "false") => {}
            _ => {
                return Err(format!(
                    "{name}: Windows sign-in is not supported; expected user and password, or access_token_file"
                ));
            }
        }
        Ok(())
    }

    /// Reads `host`, `host,port` or `host\instance`, with or without `tcp:` before it.
    pub fn server(&mut self, value: &str) -> Result<(), String> {
        let place = match value.split_once(':') {
            Some((protocol, rest)) if protocol.eq_ignore_ascii_case("tcp") => rest.trim(),
            Some((protocol, _))
                if ["np", "lpc", "admin"].contains(&protocol.to_ascii_lowercase().as_str()) =>
            {
                return Err(format!(
                    "server: the protocol {protocol:?} is not supported; expected tcp:HOST,PORT"
                ));
            }
            _ => value.trim(),
        };
        let place = match place.rsplit_once(',') {
            Some((place, number)) => {
                self.address.port = port(number.trim())?;
                self.seen.insert("port");
                place.trim()
            }
            None => place,
        };
        let (host, instance) = match place.split_once('\\') {
            Some((host, instance)) => (host, Some(instance)),
            None => (place, None),
        };
        if host.eq_ignore_ascii_case("(localdb)") {
            return Err("server: LocalDB is not supported".to_owned());
        }
        if let Some(instance) = instance {
            if !self.seen.insert("instance") {
                return Err("instance is given twice".to_owned());
            }
            self.address.instance = Some(instance.to_owned());
        }
        self.address.host = match host {
            "." | "(local)" => "localhost".to_owned(),
            host => host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        };
        Ok(())
    }

    /// Sets the port that stands in the place of the address.
    pub fn port(&mut self, text: &str) -> Result<(), String> {
        self.set("port", text)
    }

    /// Returns the address if its parts fit each other.
    pub fn finish(mut self) -> Result<Mssql, String> {
        // As every driver does: a port that is given needs no SQL Browser. The default instance has a port of its own.
        let default =
            self.address.instance.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("mssqlserver"));
        if self.seen.contains("port") || default {
            self.address.instance = None;
        }
        if self.address.instance.as_deref() == Some("") {
            return Err("instance: the name is empty".to_owned());
        }
        if self.address.encrypt == Encrypt::Login {
            self.address.trust_any_certificate = true;
        }
        self.address.checked()
    }
}

fn bare_word(value: &str) -> String {
    value.to_ascii_lowercase().replace([' ', '_'], "")
}

fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "the port is not a number up to 65535".to_owned())
}

/// Reads seconds. 0 means for ever in ADO.NET, which is the longest time here.
fn connect_timeout(value: &str) -> Result<Duration, String> {
    const MOST: u64 = 300;
    match value {
        "0" => Ok(Duration::from_secs(MOST)),
        _ => seconds_up_to("connect_timeout", value, MOST),
    }
}
