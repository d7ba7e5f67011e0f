//! Encrypted connections: `THERMOCLINE_TEST_MSSQL_CA` names the certificate that signed the server's.

use std::path::PathBuf;
use std::time::Duration;

use thermocline::config::{Encrypt, Mssql as Address};
use thermocline::telemetry::explain;
use thermocline::tier::{Engine as _, Mssql, Statement, Tier, TierError};

use crate::support::hot_engines::Server;
use crate::support::waiting::LIMIT;

const CA: &str = "THERMOCLINE_TEST_MSSQL_CA";

fn encrypted(server: &Server) -> Option<Address> {
    let Some(ca) = std::env::var_os(CA) else {
        eprintln!("skipped: {CA} does not name a file of certificates");
        return None;
    };
    Some(Address { encrypt: Encrypt::Required, ca: Some(PathBuf::from(ca)), ..server.at.clone() })
}

/// Returns the error of opening a connection, which must come without a wait: neither for the server nor for another try.
async fn refused(address: &Address) -> String {
    let address = &Address { connect_timeout: Duration::from_hours(1), ..address.clone() };
    let opened = Mssql::open(thermocline::schema::of(Tier::Hot), address);
    let error =
        tokio::time::timeout(LIMIT, opened).await.expect("it does not wait").expect_err("it is refused");
    assert!(matches!(error, TierError::Unavailable { .. }), "{error:?}");
    explain(&error)
}

#[tokio::test]
async fn an_encrypted_connection_is_verified() {
    let Some(server) = Server::make().await else { return };
    if let Some(address) = encrypted(&server) {
        let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &address).await.expect("trusted");
        let text = "漢字🦀 ".repeat(20_000);
        let echo = Statement::new("-- echo\n").mssql("-- echo\nSELECT CAST(@P1 AS NVARCHAR(MAX)) AS text");
        let rows = hot.fetch(&echo, &[text.as_str().into()]).await.expect("answers");
        assert!(rows[0].text("text").expect("text") == text, "many TLS records, both ways");
        hot.close().await;

        // The certificate is not trusted.
        let error = refused(&Address { ca: None, ..address.clone() }).await;
        assert!(error.contains("certificate") && error.contains("ca="), "{error}");
        // The certificate has other names.
        let error = refused(&Address { host: "0.0.0.0".to_owned(), ..address.clone() }).await;
        assert!(error.contains("certificate"), "{error}");
        // The file does not exist.
        let missing = PathBuf::from("/nowhere/ca.pem");
        let error = refused(&Address { ca: Some(missing), ..address.clone() }).await;
        assert!(error.contains("/nowhere/ca.pem"), "{error}");
        // TDS 8, which not every server speaks: then the connection fails, and nothing is sent in clear text.
        let strict = Address { encrypt: Encrypt::Strict, ..address.clone() };
        match Mssql::open(thermocline::schema::of(Tier::Hot), &strict).await {
            Ok(hot) => hot.close().await,
            Err(error) => println!("strict: {}", explain(&error)),
        }
    }
    server.drop().await;
}
