use secrecy::ExposeSecret as _;

use super::*;

const RESOURCES: [ArchivedResource; 3] = [
    ArchivedResource { name: "messages", has_activity: false },
    ArchivedResource { name: "posts", has_activity: true },
    ArchivedResource { name: "prices", has_activity: false },
];

const HOT: (&str, &str) = ("HOT_DATABASE_URL", "sqlite:hot.db");

fn read(flags: &Flags, environment: &[(&str, &str)]) -> Result<Settings, String> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::from_sources(flags, environment, &RESOURCES).map_err(|error| error.to_string())
}

fn file(text: &str) -> (tempfile::NamedTempFile, Flags) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("written");
    let flags = Flags { config: Some(file.path().to_owned()), ..Flags::default() };
    (file, flags)
}

#[test]
fn flags_override_environment_overrides_file_overrides_defaults() {
    let (_file, mut flags) = file("addr = '1.1.1.1:1'\nlog = 'debug'\nrequest_timeout = 7");
    let settings = read(&flags, &[("THERMOCLINE_ADDR", "2.2.2.2:2")]).expect("sound");
    assert_eq!(
        (settings.addr.as_str(), settings.log.as_str(), settings.request_timeout),
        ("2.2.2.2:2", "debug", 7)
    );
    flags.addr = Some("3.3.3.3:3".to_owned());
    assert_eq!(read(&flags, &[("THERMOCLINE_ADDR", "2.2.2.2:2")]).expect("sound").addr, "3.3.3.3:3");
    assert_eq!(read(&Flags::default(), &[]).expect("sound").addr, "127.0.0.1:8080");
}

fn due(archive: &ArchiveSettings) -> [(i64, bool); 3] {
    RESOURCES.map(|resource| {
        let due = archive.due(resource.name);
        (due.older_than / crate::clock::DAY, due.by_activity)
    })
}

#[test]
fn archive_settings_of_a_resource_override_those_of_all() {
    let (_file, flags) = file(
        "[archive]\nolder_than = '60d'\nschedule = '0 2 * * *'\nbatch = 500\n[archive.messages]\nolder_than = '90d'",
    );
    let settings = read(&flags, &[("THERMOCLINE_ARCHIVE_PRICES_OLDER_THAN", "365d")]).expect("sound").archive;
    assert_eq!((due(&settings), settings.batch), ([(90, false), (60, false), (365, false)], 500));
    assert!(settings.schedule.is_some());
    let settings = read(&flags, &[("THERMOCLINE_ARCHIVE_BATCH", "20")]).expect("sound").archive;
    assert_eq!((due(&settings), settings.batch), ([(90, false), (60, false), (60, false)], 20));
    let settings = read(&Flags::default(), &[]).expect("sound").archive;
    assert_eq!((due(&settings), settings.batch, settings.audit_rate), ([(30, false); 3], 1000, 0));
    assert!(settings.schedule.is_none());
    let (_file, flags) = file("[archive.posts]\ndue = 'activity'\nolder_than = '7d'");
    let settings = read(&flags, &[]).expect("sound").archive;
    assert_eq!(due(&settings), [(30, false), (7, true), (30, false)]);
    let settings = read(&flags, &[("THERMOCLINE_ARCHIVE_POSTS_DUE", "created")]).expect("sound").archive;
    assert_eq!(due(&settings), [(30, false), (7, false), (30, false)]);
}

#[test]
fn an_unusable_variable_is_named() {
    for (name, value) in [
        ("HOT_DATABASE_URL", "sqlite:"),
        ("JWT_JWKS_URL", "keys.json"),
        ("THERMOCLINE_ADR", "x"),
        ("THERMOCLINE_ARCHIVE_AUDIT_RATE", "fast"),
        ("THERMOCLINE_ARCHIVE_BATCH", "9000"),
        ("THERMOCLINE_ARCHIVE_MESSAGES_DUE", "activity"),
        ("THERMOCLINE_ARCHIVE_MESSAGES_OLDER_THAN", "1"),
        ("THERMOCLINE_ARCHIVE_OLDER_THAN", "soon"),
        ("THERMOCLINE_ARCHIVE_PAUSE_MS", "-1"),
        ("THERMOCLINE_ARCHIVE_POSTS_DUE", "sometimes"),
        ("THERMOCLINE_ARCHIVE_SCHEDULE", "0 0 2 * * *"),
        ("THERMOCLINE_ARCHIVE_SCHEDULE", "every night"),
        ("COLD_DATABASE_ULR", "sqlite:x"),
        ("JWT_AUDIENC", "api"),
        ("JWT_SCOPE_CLAIM", "realm_access..roles"),
        ("JWT_ADMIN_SCOPE", "two words"),
        ("JWT_USER_LOOKUP", "name"),
        ("MSSQL_HOTS", "db"),
        ("POSTGRES_PASWORD", "x"),
        ("THERMOCLINE_LOG", "verbose"),
        ("THERMOCLINE_LOG", "info,thermocline=chatty"),
        ("THERMOCLINE_LOG", "3"),
        ("THERMOCLINE_PORT", "8080"),
        ("THERMOCLINE_MIGRATE", "always"),
        ("THERMOCLINE_REQUEST_TIMEOUT", "soon"),
        ("THERMOCLINE_TRIES", "some"),
    ] {
        let fault = read(&Flags::default(), &[(name, value)]).expect_err("unusable");
        assert!(fault.starts_with(&format!("{name}: ")), "{name}={value}: {fault}");
    }
}

#[test]
fn an_unusable_file_is_reported_with_line_and_column() {
    for (text, place, fault) in [
        ("hot_databse_url = 'sqlite:x'", "line 1, column 1", "hot_databse_url: unknown setting"),
        ("addr = 'x'\n\n[archive]\nolder = '60d'", "line 4, column 1", "archive.older: unknown setting"),
        ("[archive.mesages]\nolder_than = '60d'", "line 1", "archive.mesages: unknown setting"),
        ("[archive.messages]\ndue = 'activity'", "line 2, column 1", "archive.messages.due: unknown setting"),
        (
            "[archive]\nbatch = 9000",
            "line 2, column 9",
            "archive.batch: expected a whole number from 1 to 2000",
        ),
        ("log = true", "line 1, column 7", "log: expected a text or a whole number"),
        ("archive = 3", "line 1, column 1", "archive: unknown setting"),
        ("addr = 'x'\nlog = 'é' 'y'", "line 2, column 11", "expected"),
        ("addr = 'x'\naddr = 'y'", "line 2, column 1", "duplicate key"),
    ] {
        let (file, flags) = file(text);
        let found = read(&flags, &[]).expect_err("unusable");
        let expected = format!("{}, {place}", file.path().display());
        assert!(found.starts_with(&expected) && found.contains(fault), "{text}: {found}");
    }
}

#[test]
fn no_error_repeats_a_password() {
    for (name, value) in [
        ("COLD_DATABASE_URL", "oracle://user:hunter2@host/db"),
        ("COLD_DATABASE_URL", "postgres://user:hunter2@host/db?pooler=statement"),
        ("COLD_DATABASE_URL_DIRECT", "mysql://user:hunter2@host/db"),
        ("HOT_DATABASE_URL", "mssql://sa:hunter2@host"),
        ("JWT_JWKS_URL", "http://user:hunter2@example.org/keys"),
    ] {
        let fault = read(&Flags::default(), &[(name, value)]).expect_err("unusable");
        assert!(fault.contains(name) && !fault.contains("hunter2"), "{fault}");
    }
}

#[test]
fn only_one_key_for_tokens_may_be_set() {
    let of = |environment: &[(&str, &str)]| read(&Flags::default(), environment);
    let (secret, file) = (("JWT_SECRET", "x"), ("JWT_PUBLIC_KEY_FILE", "key.pem"));
    let url = ("JWT_JWKS_URL", "https://example.org/keys");
    assert!(of(&[]).expect("sound").jwt_key.is_none());
    assert!(matches!(of(&[secret]).expect("sound").jwt_key, Some(JwtKey::Secret(_))));
    assert!(matches!(of(&[file]).expect("sound").jwt_key, Some(JwtKey::PublicKeyFile(_))));
    assert!(matches!(of(&[url]).expect("sound").jwt_key, Some(JwtKey::Published(_))));
    for local in ["http://localhost:1/keys", "http://127.0.0.1/keys", "http://[::1]:1/keys"] {
        assert!(of(&[("JWT_JWKS_URL", local)]).is_ok(), "{local}");
    }
    for two in [[secret, file], [secret, url], [file, url]] {
        let error = of(&two).expect_err("which one?");
        assert!(error.contains(two[0].0) && error.contains(two[1].0), "{error}");
    }
}

#[test]
fn the_console_signs_in_by_a_provider_that_is_named_whole() {
    let issuer = ("CONSOLE_OIDC_ISSUER", "https://login.example/realms/x");
    let client = ("CONSOLE_OIDC_CLIENT_ID", "console");
    assert!(read(&Flags::default(), &[]).expect("sound").console.provider.is_none());
    let settings = read(&Flags::default(), &[issuer, client]).expect("sound");
    assert_eq!(settings.console.provider.expect("a provider").origin(), "https://login.example");
    for (environment, named) in [
        (vec![issuer], "CONSOLE_OIDC_CLIENT_ID is not set"),
        (vec![client], "CONSOLE_OIDC_ISSUER is not set"),
        (vec![("CONSOLE_OIDC_SCOPE", "openid")], "CONSOLE_OIDC_ISSUER is not set"),
        (vec![("CONSOLE_OIDC_ISSUER", "http://login.example"), client], "this machine only"),
        (vec![("CONSOLE_OIDC_CLIENTID", "console")], "CONSOLE_OIDC_CLIENT_ID"),
    ] {
        let error = read(&Flags::default(), &environment).expect_err(named);
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn servers_are_migrated_only_on_request() {
    let of = |flags: &Flags, environment: &[(&str, &str)]| {
        let settings = read(flags, environment).expect("sound");
        (settings.migrate, settings.tries)
    };
    assert_eq!(of(&Flags::default(), &[]), (false, 30));
    assert_eq!(
        of(&Flags::default(), &[("THERMOCLINE_MIGRATE", "auto"), ("THERMOCLINE_TRIES", "3")]),
        (true, 3)
    );
    let flags = Flags { migrate: true, tries: Some(7), ..Flags::default() };
    assert_eq!(of(&flags, &[("THERMOCLINE_MIGRATE", "off"), ("THERMOCLINE_TRIES", "3")]), (true, 7));
}

#[test]
fn both_tiers_cannot_be_one_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let hot = format!("sqlite:{}/a.db", folder.path().display());
    let cold = format!(
        "sqlite:{}/../{}/a.db",
        folder.path().display(),
        folder.path().file_name().map_or("", |n| n.to_str().unwrap_or(""))
    );
    let both = [("HOT_DATABASE_URL", hot.as_str()), ("COLD_DATABASE_URL", cold.as_str())];
    assert!(read(&Flags::default(), &both).expect_err("one file").contains("same file"));
    std::fs::write(folder.path().join("a.db"), "").expect("written");
    std::fs::hard_link(folder.path().join("a.db"), folder.path().join("b.db")).expect("linked");
    let cold = format!("sqlite:{}/b.db", folder.path().display());
    let both = [("HOT_DATABASE_URL", hot.as_str()), ("COLD_DATABASE_URL", cold.as_str())];
    assert!(read(&Flags::default(), &both).expect_err("one file").contains("same file"));
}

#[test]
fn a_cold_server_is_named_by_url_or_in_parts() {
    let cold = |environment: &[(&str, &str)]| read(&Flags::default(), environment).map(|read| read.cold);
    let shown = |environment: &[(&str, &str)]| match cold(&[&[HOT], environment].concat()) {
        Ok(Some(location @ TierLocation::Postgres { direct: None, .. })) => location.to_string(),
        other => panic!("not a server: {other:?}"),
    };
    assert_eq!(shown(&[("COLD_DATABASE_URL", "postgresql://h/d")]), "postgres://h:5432/d");
    let parts = [
        ("POSTGRES_HOST", "::1"),
        ("POSTGRES_PORT", "6543"),
        ("POSTGRES_COLD_DATABASE", "cold one"),
        ("POSTGRES_USER", "me"),
        ("POSTGRES_PASSWORD", "p@:/?#[] ü%"),
    ];
    assert_eq!(shown(&parts), "postgres://[::1]:6543/cold one");
    let all = [
        ("COLD_DATABASE_URL", "postgres://pooler/d?pooler=transaction"),
        ("COLD_DATABASE_URL_DIRECT", "postgres://h/d"),
        ("COLD_DATABASE_REPLICA_URLS", "postgres://a/d, postgres://b/d"),
    ];
    let all = [&all[..], &[HOT]].concat();
    let Ok(Some(TierLocation::Postgres { direct, replicas, .. })) = cold(&all) else { panic!("a server") };
    assert_eq!((direct.is_some(), replicas.len()), (true, 2));
    for (wrong, named) in [
        (&[("POSTGRES_PASSWORD", "x")][..], "POSTGRES_PASSWORD"),
        (&[("POSTGRES_HOST", "h"), ("POSTGRES_PORT", "x")], "POSTGRES_PORT"),
        (&[("POSTGRES_HOST", "h"), ("COLD_DATABASE_URL", "postgres://h/d")], "COLD_DATABASE_URL"),
        (&[("COLD_DATABASE_REPLICA_URLS", "postgres://h/d")], "COLD_DATABASE_URL"),
        (&[("COLD_DATABASE_URL", "postgres://h/d"), ("COLD_DATABASE_URL_DIRECT", "x")], "DIRECT"),
        (&[("COLD_DATABASE_URL", "postgres://h/d?sslmod=verify-full")], "sslmod"),
    ] {
        let wrong: Vec<_> = wrong.iter().copied().chain([HOT]).collect();
        let fault = cold(&wrong).expect_err("unusable");
        assert!(fault.contains(named), "{fault}");
    }
}

#[test]
fn a_configured_hot_tier_has_no_default_cold_tier() {
    assert!(read(&Flags::default(), &[]).expect("sound").cold.is_some());
    assert!(read(&Flags::default(), &[("HOT_DATABASE_URL", "sqlite:x.db")]).expect("sound").cold.is_none());
}

#[test]
fn a_hot_server_is_named_by_url_or_in_parts() {
    let parts = [("MSSQL_HOST", "h"), ("MSSQL_HOT_DATABASE", "d"), ("MSSQL_SA_PASSWORD", "p@/?")];
    let settings = read(&Flags::default(), &parts).expect("sound");
    assert_eq!(settings.hot.to_string(), "mssql://h:1433/d");
    assert!(settings.cold.is_none());
    let fault = read(&Flags::default(), &parts[..2]).expect_err("no password");
    assert!(fault.contains("MSSQL_SA_PASSWORD"), "{fault}");
    let fault =
        read(&Flags::default(), &[parts[0], parts[1], parts[2], ("MSSQL_PORT", "x")]).expect_err("no port");
    assert!(fault.contains("MSSQL_PORT"), "{fault}");
    let settings = read(&Flags::default(), &[("HOT_DATABASE_URL", "mssql://sa:hunter2@h2/d?encrypt=off")])
        .expect("sound");
    assert_eq!(settings.hot.to_string(), "mssql://h2:1433/d");
    assert!(!format!("{settings:?}").contains("hunter2"));
    let named = [("MSSQL_HOST", "h\\SHOP"), parts[1], parts[2]];
    assert_eq!(read(&Flags::default(), &named).expect("sound").hot.to_string(), "mssql://h\\SHOP/d");
    let token = [parts[0], parts[1], ("MSSQL_ACCESS_TOKEN_FILE", "/run/token")];
    assert!(read(&Flags::default(), &token).is_ok());
    let fault = read(&Flags::default(), &[("COLD_DATABASE_URL", "mssql://sa:x@h/d")]).expect_err("cold");
    assert!(fault.contains("hot tier only"), "{fault}");
}

#[test]
fn half_a_configuration_and_a_contradiction_are_errors() {
    let (mssql, postgres) = ("mssql://sa:x@h/d", "postgres://h/d");
    for (environment, named) in [
        (&[("MSSQL_USER", "sa")][..], "MSSQL_HOST"),
        (&[("MSSQL_ENCRYPT", "off")], "MSSQL_HOST"),
        (&[("MSSQL_HOST", "h")], "MSSQL_HOT_DATABASE"),
        (&[("MSSQL_HOST", "h"), ("HOT_DATABASE_URL", mssql)], "HOT_DATABASE_URL is set too"),
        (&[("MSSQL_PORT", "1433"), ("HOT_DATABASE_URL", mssql)], "HOT_DATABASE_URL is set too"),
        (&[("COLD_DATABASE_URL", postgres)], "HOT_DATABASE_URL: not set"),
        (&[("POSTGRES_HOST", "h")], "HOT_DATABASE_URL: not set"),
        (&[HOT, ("POSTGRES_USER", "me")], "POSTGRES_HOST"),
        (&[HOT, ("POSTGRES_HOST", "h"), ("COLD_DATABASE_URL", postgres)], "COLD_DATABASE_URL is set too"),
        (&[HOT, ("COLD_DATABASE_URL_DIRECT", postgres)], "COLD_DATABASE_URL"),
        (&[HOT, ("HOT_DATABASE_URL_DIRECT", postgres)], "a direct URL needs a hot tier in PostgreSQL"),
        (
            &[
                ("MSSQL_HOST", "h"),
                ("MSSQL_HOT_DATABASE", "d"),
                ("MSSQL_SA_PASSWORD", "p"),
                ("HOT_DATABASE_URL_DIRECT", postgres),
            ],
            "a direct URL needs a hot tier in PostgreSQL",
        ),
    ] {
        let fault = read(&Flags::default(), environment).expect_err("half or double");
        assert!(fault.contains(named), "{environment:?}: {fault}");
    }
    // A source of higher precedence replaces the other one.
    let flags = Flags { hot: Some("sqlite:flag.db".to_owned()), ..Flags::default() };
    let settings =
        read(&flags, &[("MSSQL_HOST", "h"), ("MSSQL_HOT_DATABASE", "d"), ("MSSQL_SA_PASSWORD", "p")]);
    assert_eq!(settings.expect("sound").hot.to_string(), "flag.db");
    let (_file, flags) = file("hot_database_url = 'sqlite:file.db'");
    let parts = [("MSSQL_HOST", "h"), ("MSSQL_HOT_DATABASE", "d"), ("MSSQL_SA_PASSWORD", "p")];
    assert_eq!(read(&flags, &parts).expect("sound").hot.to_string(), "mssql://h:1433/d");
}

#[test]
fn the_variables_of_a_cluster_are_not_settings() {
    let environment = [
        ("THERMOCLINE_PORT", "tcp://10.96.0.7:8080"),
        ("THERMOCLINE_PORT_8080_TCP", "tcp://10.96.0.7:8080"),
        ("THERMOCLINE_PORT_8080_TCP_ADDR", "10.96.0.7"),
        ("THERMOCLINE_SERVICE_HOST", "10.96.0.7"),
        ("THERMOCLINE_SERVICE_PORT_HTTP", "8080"),
        ("POSTGRES_PORT", "tcp://10.96.0.9:5432"),
        ("POSTGRES_SERVICE_HOST", "10.96.0.9"),
        ("POSTGRES_DB", "other"),
        ("MSSQL_PORT", "tcp://10.96.0.8:1433"),
        ("MSSQL_PID", "Developer"),
    ];
    assert!(read(&Flags::default(), &environment).is_ok());
    let named = [HOT, ("POSTGRES_HOST", "h"), environment[5]];
    let cold = read(&Flags::default(), &named).expect("sound").cold.map(|cold| cold.to_string());
    assert_eq!(cold.as_deref(), Some("postgres://h:5432/thermocline"));
}

#[test]
fn a_secret_may_stand_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    };
    let (key, password) = (secret("key", "  a key \r\n"), secret("password", "p@ss\n"));
    let (url, empty) = (secret("url", "postgres://me:hunter2@h/d\n"), secret("empty", "\n"));
    let wrong = secret("wrong", "postgres://me:hunter2@h/d?sslmod=require\n");
    let environment = [
        ("JWT_SECRET_FILE", key.as_str()),
        ("MSSQL_HOST", "h"),
        ("MSSQL_HOT_DATABASE", "d"),
        ("MSSQL_SA_PASSWORD_FILE", &password),
        ("COLD_DATABASE_URL_FILE", &url),
    ];
    let settings = read(&Flags::default(), &environment).expect("sound");
    assert!(
        matches!(&settings.jwt_key, Some(JwtKey::Secret(secret)) if secret.expose_secret() == "  a key ")
    );
    assert!(matches!(&settings.hot, TierLocation::Mssql(at) if at.password.expose_secret() == "p@ss"));
    assert_eq!(settings.cold.map(|cold| cold.to_string()).as_deref(), Some("postgres://h:5432/d"));
    for (environment, named) in [
        (
            &[("JWT_SECRET_FILE", key.as_str()), ("JWT_SECRET", "x")][..],
            "JWT_SECRET_FILE: JWT_SECRET is set too",
        ),
        (&[("JWT_SECRET_FILE", &empty)], "JWT_SECRET_FILE"),
        (&[("JWT_SECRET_FILE", "/nowhere/at/all")], "JWT_SECRET_FILE"),
        (&[("JWT_SECRET_FILE", &key), ("JWT_JWKS_URL", "https://example.org/keys")], "JWT_SECRET_FILE"),
        (&[("HOT_DATABASE_URL_FILE", &wrong)], "sslmod"),
    ] {
        let fault = read(&Flags::default(), environment).expect_err("unusable");
        assert!(fault.contains(named) && !fault.contains("hunter2"), "{fault}");
    }
}

#[test]
fn the_url_of_redis_is_checked_and_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("url").display().to_string();
    std::fs::write(&path, "rediss://user:hunter2@cache.example:6380/3\n").expect("written");
    let environment = [("REDIS_URL_FILE", path.as_str()), ("THERMOCLINE_REDIS_TIMEOUT_MS", "5")];
    let settings = read(&Flags::default(), &environment).expect("sound");
    assert!(!format!("{settings:?}").contains("hunter2"));
    let shared = settings.shared.expect("a Redis");
    assert_eq!(shared.url.expose_secret(), "rediss://user:hunter2@cache.example:6380/3");
    assert_eq!(shared.timeout, Duration::from_millis(5));
    assert!(read(&Flags::default(), &[("REDIS_URL", "")]).expect("sound").shared.is_none());
    for url in ["hunter2", "http://user:hunter2@h", "redis://user:hunter2@", "rediss://:hunter2@h/1#insecure"]
    {
        let fault = read(&Flags::default(), &[("REDIS_URL", url)]).expect_err(url);
        assert!(fault.starts_with("REDIS_URL") && !fault.contains("hunter2"), "{fault}");
    }
    for timeout in ["0", "1001", "x"] {
        let fault = read(&Flags::default(), &[("THERMOCLINE_REDIS_TIMEOUT_MS", timeout)]).expect_err(timeout);
        assert!(fault.starts_with("THERMOCLINE_REDIS_TIMEOUT_MS"), "{fault}");
    }
}

#[test]
fn a_broken_file_is_reported_without_its_text() {
    for text in [
        "jwt_secret = hunter2",
        "jwt_secret = 'hunter2",
        "jwt_secret = \"hunter2",
        "jwt_secret = \"\\hunter2\"",
        "hunter2",
        "jwt_secret 'hunter2'",
        "jwt_secret = 'a' hunter2",
        "jwt_secret = 'x'\n'hunter2' 'x'",
        "[hunter2",
        "jwt_secret = {hunter2}",
        "jwt_secret = [hunter2]",
        "jwt_secret = 0xhunter2",
        "jwt_secret = ['hunter2']",
        "jwt_secret.hunter2 = 'x'\njwt_secret = 'hunter2'",
    ] {
        let (_file, flags) = file(text);
        let fault = read(&flags, &[]).expect_err(text);
        assert!(fault.contains(", line ") && fault.contains(", column "), "{text}: {fault}");
        assert!(!fault.contains("hunter2") || text.contains(".hunter2"), "{text}: {fault}");
    }
}
