//! Logins, statements, transactions, migrations.

use thermocline::tier::{Engine as _, Statement, migrate};

use super::{Front, Wired};

#[tokio::test]
async fn it_logs_in_and_selects() {
    let front = Front::start().await;
    let hot = Wired::open(&front).await.expect("opens");
    let one = Statement::new("-- one\nSELECT 1 AS one").mssql("-- one\nSELECT 1 AS one");
    let rows = hot.fetch(&one, &[]).await.expect("answers");
    assert_eq!(rows[0].int("one").expect("a number"), 1);
    assert_eq!(migrate::upgrade(&hot).await.expect("migrates").applied.len(), 2);
    assert_eq!(front.unknown(), Vec::<String>::new());
}
