use sqlx::ConnectOptions as _;
use sqlx::postgres::PgSslMode;

use super::*;

fn read(text: &str) -> PostgresUrl {
    PostgresUrl::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

#[test]
fn the_parameters_of_the_program_are_not_the_driver_s() {
    let read = read(
        "postgres://u:p%40%3Aw@db:6432/cold?pooler=transaction&application_name=x&pool_max=4&write_timeout=9",
    );
    assert!(read.pooled);
    assert_eq!((read.kept, read.most, read.write_timeout), (4, 4, Duration::from_secs(9)));
    assert_eq!(read.options.get_application_name(), Some("x"));
    assert_eq!(format!("{read:?}"), "postgres://db:6432/cold");
}

#[test]
fn the_forms_of_other_drivers_mean_the_same() {
    for text in [
        "postgres://me:p%40ss%20w@db:6432/cold?sslmode=require&application_name=app",
        "postgresql+psycopg2://me:p%40ss%20w@db:6432/cold?sslmode=require&application_name=app",
        "postgresql+asyncpg://me:p%40ss%20w@db:6432/cold?ssl=require&application_name=app",
        "jdbc:postgresql://db:6432/cold?user=me&password=p%40ss+w&sslmode=require&ApplicationName=app",
        "host=db port=6432 dbname=cold user=me password='p@ss w' sslmode=require application_name=app",
        "dbname = cold host = db port = 6432 user = me password = p@ss\\ w sslmode = require fallback_application_name = app",
        "postgres:///cold?host=db&port=6432&user=me&password=p%40ss%20w&sslmode=require&application_name=app",
    ] {
        let read = read(text);
        let options = &read.options;
        assert_eq!(read.to_string(), "postgres://db:6432/cold", "{text}");
        assert_eq!((options.get_username(), options.get_application_name()), ("me", Some("app")), "{text}");
        assert!(matches!(options.get_ssl_mode(), PgSslMode::Require), "{text}");
        assert_eq!(options.to_url_lossy().password(), Some("p%40ss%20w"), "{text}");
    }
    for other in ["mssql://h/d", "Server=h", "sqlite:x", "hunter2"] {
        assert!(!PostgresUrl::recognises(other), "{other}");
    }
}

#[test]
fn hosts_and_schemas_and_limits_reach_the_driver() {
    let v6 = read("postgres://u:p@[::1]:5433/cold");
    assert_eq!((v6.options.get_host(), v6.to_string().as_str()), ("::1", "postgres://[::1]:5433/cold"));
    let parts = PostgresUrl::of_parts("::1", 5433, "u", Some("p@:/?#[] ü%"), "cold one").expect("parts");
    assert_eq!(parts.to_string(), "postgres://[::1]:5433/cold one");
    let socket = read("host=/var/run/postgresql dbname=cold user=u");
    assert_eq!(socket.to_string(), "postgres:/var/run/postgresql/cold");
    let read = read(
        "postgres://u@db/cold?currentSchema=my%20archive,public&options=-c%20geqo%3Doff&connect_timeout=3&target_session_attrs=read-write&keepalives=1",
    );
    assert_eq!(read.options.get_options(), Some("-c geqo=off -c search_path=my\\ archive,public"));
    assert_eq!((read.connect_timeout, read.must_write), (Duration::from_secs(3), true));
}

#[test]
fn authorities_are_never_named_in_vain() {
    let mode = |text: &str| format!("{:?}", read(text).options.get_ssl_mode());
    for (parameters, expected) in [
        ("sslmode=verify-full&sslrootcert=/ca.pem", "VerifyFull"),
        ("sslmode=require&sslrootcert=/ca.pem", "VerifyCa"),
        ("sslrootcert=system", "VerifyFull"),
        ("ssl=true", "VerifyFull"),
    ] {
        assert_eq!(mode(&format!("postgres://u@db/cold?{parameters}")), expected, "{parameters}");
    }
}

#[test]
fn what_cannot_be_used_is_named_without_the_password() {
    for (parameters, named) in [
        ("pooler=statement", "pooler"),
        ("pool_min=few", "pool_min"),
        ("pool_max=1", "pool_max"),
        ("write_timeout=0", "write_timeout"),
        ("citus_reads=all", "citus_reads"),
        ("host=/run/postgresql&citus_reads=workers", "citus_reads"),
        ("sslmode=maybe", "sslmode"),
        ("sslmod=verify-full", "\"sslmod\""),
        ("sslmode=require&sslmode=verify-full", "sslmode is given twice"),
        ("sslmode=require&ssl=true", "sslmode is given twice"),
        ("sslrootcert=/ca.pem", "sslrootcert"),
        ("sslmode=prefer&sslrootcert=/ca.pem", "sslrootcert"),
        ("sslmode=require&sslrootcert=system", "sslrootcert"),
        ("sslcert=/c.pem", "sslkey"),
        ("connect_timeout=soon", "connect_timeout"),
        ("target_session_attrs=standby", "target_session_attrs"),
        ("channel_binding=require", "channel_binding"),
        ("gssencmode=require", "gssencmode"),
        ("sslcrl=/crl", "sslcrl"),
        ("service=x", "service"),
        ("currentSchema=a&search_path=b", "search_path is given twice"),
        ("pooler=transaction&search_path=b", "search_path"),
        ("host=a,b", "several hosts"),
        ("host=a&hostaddr=::1", "hostaddr"),
    ] {
        let fault =
            PostgresUrl::parse(&format!("postgres://u:hunter2@db/cold?{parameters}")).expect_err(parameters);
        assert!(fault.contains(named) && !fault.contains("hunter2"), "{parameters}: {fault}");
    }
    for (url, named) in [
        ("postgres://u:hunter2@db:port/cold", "port"),
        ("postgres://u:hunter2@a,b/cold", "several hosts"),
        ("postgres://u:x?hunter2@db/cold", "unknown parameter"),
        ("host=db password=a hunter2", "="),
        ("host=db sslmod=verify-full password=hunter2", "\"sslmod\""),
        ("mysql://u:hunter2@db/cold", "expected postgres"),
    ] {
        let fault = PostgresUrl::parse(url).expect_err("unusable");
        assert!(fault.contains(named) && !fault.contains("hunter2"), "{url}: {fault}");
    }
}
