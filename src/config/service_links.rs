//! The variables that Kubernetes and Docker put into every container for each service beside it.
//!
//! A service `thermocline` or `thermocline-api` gives `THERMOCLINE_PORT=tcp://10.0.0.7:8080`,
//! `THERMOCLINE_API_SERVICE_HOST=10.0.0.7` and their kin, which look like settings of the program. A name counts only with a value
//! of its kind, so that a misspelt setting is still noticed.

use std::net::IpAddr;

/// Returns whether a setting for a port holds the URL of a service instead, as `POSTGRES_PORT` does beside a service `postgres`.
pub(super) fn is_port(variable: &str, value: &str) -> bool {
    variable.ends_with("_PORT") && is_url(value)
}

/// Returns whether a variable describes a service.
pub(super) fn is_link(name: &str, value: &str) -> bool {
    let is_number = || value.parse::<u16>().is_ok();
    let is_address = || value.parse::<IpAddr>().is_ok();
    if name.ends_with("_SERVICE_HOST") {
        return is_address();
    }
    if name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return is_number();
    }
    if name.ends_with("_PORT") && is_url(value) {
        return true;
    }
    // `…_PORT_8080_TCP`, and the same with _PROTO, _PORT or _ADDR.
    let Some((_, of_port)) = name.rsplit_once("_PORT_") else { return false };
    let mut words = of_port.split('_');
    let is_port = words.next().is_some_and(|number| number.parse::<u16>().is_ok());
    let is_protocol =
        words.next().is_some_and(|word| PROTOCOLS.contains(&word.to_ascii_lowercase().as_str()));
    is_port
        && is_protocol
        && match words.next() {
            None => is_url(value),
            Some("PROTO") => PROTOCOLS.contains(&value),
            Some("PORT") => is_number(),
            Some("ADDR") => is_address(),
            Some(_) => false,
        }
}

const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

fn is_url(value: &str) -> bool {
    value
        .split_once("://")
        .is_some_and(|(protocol, place)| PROTOCOLS.contains(&protocol) && place.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_services_are_told_from_misspelt_settings() {
        for (name, value) in [
            ("THERMOCLINE_SERVICE_HOST", "10.96.0.7"),
            ("THERMOCLINE_SERVICE_HOST", "fd00::7"),
            ("THERMOCLINE_SERVICE_PORT", "8080"),
            ("THERMOCLINE_SERVICE_PORT_HTTP", "8080"),
            ("THERMOCLINE_API_SERVICE_PORT_HTTP_ALT", "8080"),
            ("THERMOCLINE_PORT", "tcp://10.96.0.7:8080"),
            ("THERMOCLINE_PORT_8080_TCP", "tcp://10.96.0.7:8080"),
            ("THERMOCLINE_PORT_8080_TCP_PROTO", "tcp"),
            ("THERMOCLINE_PORT_8080_TCP_PORT", "8080"),
            ("THERMOCLINE_PORT_8080_TCP_ADDR", "10.96.0.7"),
            ("THERMOCLINE_API_PORT_53_UDP", "udp://[fd00::7]:53"),
        ] {
            assert!(is_link(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("THERMOCLINE_PORT", "8080"),
            ("THERMOCLINE_SERVICE_HOST", "db.example"),
            ("THERMOCLINE_SERVICE_PORT", "tcp"),
            ("THERMOCLINE_PORT_8080_TCP_ADDR", "here"),
            ("THERMOCLINE_PORT_HTTP", "tcp://10.96.0.7:8080"),
            ("THERMOCLINE_ADDRESS", "tcp://10.96.0.7:8080"),
        ] {
            assert!(!is_link(name, value), "{name}={value}");
        }
        assert!(is_port("POSTGRES_PORT", "tcp://10.96.0.9:5432"));
        assert!(!is_port("POSTGRES_PORT", "5432x"));
    }
}
