use secrecy::ExposeSecret as _;

use super::*;

fn read(text: &str) -> Mssql {
    Mssql::recognise(text).expect("a form of SQL Server").unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

#[test]
fn a_url_is_taken_apart() {
    let at =
        Mssql::parse("//sa:p%40ss%2F%25%3F%00%E4%BD%A0:@[::1]:14330/my%20db?encrypt=strict&ca=/a%26b.pem");
    let at = at.expect("a URL");
    assert_eq!((at.host.as_str(), at.port, at.database.as_str()), ("::1", 14330, "my db"));
    assert_eq!((at.user.as_str(), at.password.expose_secret()), ("sa", "p@ss/%?\0你:"));
    assert_eq!((at.encrypt, &at.ca), (Encrypt::Strict, &Some(PathBuf::from("/a&b.pem"))));
    assert_eq!(at.shown(), "mssql://[::1]:14330/my db");
    let patient = Mssql::parse("//sa:x@host/db?connect_timeout=60&encrypt=off").expect("a URL");
    assert_eq!(
        (at.connect_timeout, patient.connect_timeout),
        (Duration::from_secs(15), Duration::from_mins(1))
    );
    let hasty = Mssql::parse("//sa:x@host/db?write_timeout=7").expect("a URL");
    assert_eq!((at.write_timeout, hasty.write_timeout), (Duration::from_mins(2), Duration::from_secs(7)));
    let plain = Mssql::parse("//sa:a@b/c@host/db").expect("a URL");
    assert_eq!(
        (plain.password.expose_secret(), plain.port, plain.encrypt),
        ("a@b/c", 1433, Encrypt::Required)
    );
    assert!(!format!("{plain:?} {}", plain.shown()).contains("a@b/c"));
}

#[test]
fn the_forms_of_other_drivers_mean_the_same() {
    for text in [
        "mssql://sa:p%40ss%3B@db.example:1444/shop?encrypt=required&trust_server_certificate=yes",
        "mssql+pyodbc://sa:p%40ss%3B@db.example:1444/shop?driver=ODBC+Driver+18+for+SQL+Server&Encrypt=yes&TrustServerCertificate=yes",
        "mssql+pymssql://sa:p%40ss%3B@db.example:1444/shop?charset=utf8&TrustServerCertificate=yes",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BODBC+Driver+18%7D%3BSERVER%3Dtcp%3Adb.example%2C1444%3BDATABASE%3Dshop%3BUID%3Dsa%3BPWD%3D%7Bp%40ss%3B%7D%3BTrustServerCertificate%3Dyes",
        "sqlserver://sa:p%40ss%3B@db.example:1444?database=shop&TrustServerCertificate=true",
        "sqlserver://db.example:1444;database=shop;user=sa;password={p@ss;};trustServerCertificate=true",
        "jdbc:sqlserver://db.example:1444;databaseName=shop;user=sa;password={p@ss;};encrypt=true;trustServerCertificate=true",
        "jdbc:sqlserver://;serverName=db.example;portNumber=1444;database=shop;user=sa;password={p@ss;};trustServerCertificate=true",
        "Server=tcp:db.example,1444;Initial Catalog=shop;User ID=sa;Password='p@ss;';Encrypt=Mandatory;TrustServerCertificate=True;MultipleActiveResultSets=False",
        "Data Source=db.example,1444;Database=shop;Uid=sa;Pwd=\"p@ss;\";Trust Server Certificate=yes;Integrated Security=false",
        "Driver={ODBC Driver 18 for SQL Server};Server=db.example,1444;Database=shop;UID=sa;PWD={p@ss;};TrustServerCertificate=yes",
    ] {
        let at = read(text);
        assert_eq!((at.host.as_str(), at.port, at.database.as_str()), ("db.example", 1444, "shop"), "{text}");
        assert_eq!((at.user.as_str(), at.password.expose_secret()), ("sa", "p@ss;"), "{text}");
        assert_eq!((at.encrypt, at.trust_any_certificate), (Encrypt::Required, true), "{text}");
    }
    assert!(Mssql::recognise("postgres://h/d").is_none());
    assert!(Mssql::recognise("host=h dbname=d").is_none());
}

#[test]
fn the_ways_to_reach_and_to_enter_a_server_are_read() {
    let named = read("Server=db\\SHOP;Database=d;User=u;Password=p");
    assert_eq!((named.host.as_str(), named.instance.as_deref()), ("db", Some("SHOP")));
    assert_eq!(named.shown(), "mssql://db\\SHOP/d");
    for text in [
        "jdbc:sqlserver://db\\SHOP;databaseName=d;user=u;password=p",
        "jdbc:sqlserver://db;instanceName=SHOP;databaseName=d;user=u;password=p",
        "mssql://u:p@db%5CSHOP/d",
        "mssql://u:p@db/d?instance=SHOP",
        "sqlserver://u:p@db/SHOP?database=d",
    ] {
        assert_eq!(read(text).instance.as_deref(), Some("SHOP"), "{text}");
    }
    // With a port nobody has to be asked for it.
    let at = read("Server=db\\SHOP,1444;Database=d;User=u;Password=p");
    assert_eq!((at.instance, at.port), (None, 1444));
    let at = read(
        "Server=.;Database=d;User=u;Password=p;ApplicationIntent=ReadOnly;MultiSubnetFailover=Yes;Connect Timeout=0",
    );
    assert_eq!((at.host.as_str(), at.read_only_intent, at.race_addresses), ("localhost", true, true));
    assert_eq!(at.connect_timeout, Duration::from_mins(5));
    let at = read("mssql://db/d?access_token_file=/run/token&HostNameInCertificate=other");
    assert_eq!(at.access_token_file, Some(PathBuf::from("/run/token")));
    assert_eq!(at.certificate_host.as_deref(), Some("other"));
    // As ADO.NET understands it: the login is encrypted, and nobody looks at the certificate.
    let at = read("Server=db;Database=d;User=u;Password=p;Encrypt=False");
    assert_eq!((at.encrypt, at.trust_any_certificate), (Encrypt::Login, true));
}

#[test]
fn what_cannot_be_used_is_refused_without_the_password() {
    for (bad, named) in [
        ("mssql://host/db", "user"),
        ("mssql://sa@host/db", "expected"),
        ("mssql://sa:hunter2@host", "expected"),
        ("mssql://sa:hunter2@host/", "expected"),
        ("mssql://sa:hunter2@host:99999/db", "port"),
        ("mssql://sa:hunter2@host:0/db", "port"),
        ("mssql://sa:hunter2%@host/db", "%"),
        ("mssql://sa:hunter2%+1@host/db", "%"),
        ("mssql://sa:hunter2@host/db?encrypt=maybe", "encrypt"),
        ("mssql://sa:x?hunter2@host/db", "%3F"),
        ("mssql://sa:hunter2@host/db?trust=1", "\"trust\""),
        ("mssql://sa:hunter2@host/db?write_timeout=0", "write_timeout"),
        ("mssql://sa:hunter2@host/db?encrypt=off&Encrypt=yes", "encrypt is given twice"),
        ("mssql://sa:hunter2@host/db?database=other", "database is given twice"),
        ("mssql://sa:hunter2@host/db?access_token_file=/t", "access_token_file"),
        ("mssql://host/db?access_token_file=/t&encrypt=off", "encrypted"),
        ("mssql://sa:hunter2@host/db?ca=/c&TrustServerCertificate=yes", "TrustServerCertificate"),
        ("mssql://sa:hunter2@host/db?TrustServerCertificate=perhaps", "TrustServerCertificate"),
        ("mssql://sa:hunter2@host/db?ApplicationIntent=Read", "ApplicationIntent"),
        ("mssql+pyodbc://@host/db?Trusted_Connection=yes", "Windows"),
        ("Server=host;Database=db;Integrated Security=SSPI", "Windows"),
        ("Server=host;Database=db;Authentication=Active Directory Default", "access_token_file"),
        ("Server=np:host;Database=db;User=sa;Password=hunter2", "protocol"),
        ("Server=host;Databse=db;User=sa;Password=hunter2", "\"Databse\""),
        ("Server=host;Database=db;User=sa;Password=a;hunter2", "="),
        ("jdbc:sqlserver:host;databaseName=db", "expected"),
    ] {
        let fault = Mssql::recognise(bad).expect("a form of SQL Server").expect_err(bad);
        assert!(!fault.contains("hunter2") && fault.contains(named), "{bad}: {fault}");
    }
}
