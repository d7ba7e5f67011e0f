//! PRELOGIN and LOGIN7.

use super::reader::{Reader, text};
use super::tokens::Tokens;

/// The only account, and its database.
pub const USER: &str = "sa";
pub const PASSWORD: &str = "Wire-tested 密碼";
pub const DATABASE: &str = "platform";
/// Packet size: small, so that answers of a few rows already take several packets.
pub const PACKET: usize = 1_024;
/// Packet size until the login is answered.
pub const FIRST_PACKET: usize = 4_096;

const VERSION: u8 = 0;
const ENCRYPTION: u8 = 1;
const TERMINATOR: u8 = 0xff;
const NOT_SUPPORTED: u8 = 2;
const TDS_7_4: u32 = 0x7400_0004;

/// Returns the answer to PRELOGIN: a version, and no encryption. A table of options precedes their data.
pub fn prelogin() -> Vec<u8> {
    const TABLE: u8 = 2 * 5 + 1;
    let mut answer = vec![VERSION, 0, TABLE, 0, 6, ENCRYPTION, 0, TABLE + 6, 0, 1, TERMINATOR];
    answer.extend([16, 0, 0, 0, 0, 0, NOT_SUPPORTED]);
    answer
}

/// The login record of a client.
#[derive(Debug, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: String,
    pub application: String,
    pub database: String,
}

impl Login {
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let mut head = Reader(body);
        if head.u32()? as usize != body.len() {
            return Err("LOGIN7 of another length than it says".to_owned());
        }
        if head.u32()? != TDS_7_4 {
            return Err("LOGIN7 asks for another version than 7.4".to_owned());
        }
        head.take(28)?;
        let mut field = || -> Result<&[u8], String> {
            let (at, units) = (usize::from(head.u16()?), usize::from(head.u16()?));
            body.get(at..at + 2 * units).ok_or_else(|| "LOGIN7 points outside itself".to_owned())
        };
        let (_host, user, password, application, _server) =
            (field()?, field()?, field()?, field()?, field()?);
        let (_extension, _library, _language, database) = (field()?, field()?, field()?, field()?);
        // Each byte is XORed and its halves are swapped.
        let password: Vec<u8> = password.iter().map(|byte| (byte ^ 0xa5).rotate_left(4)).collect();
        Ok(Self {
            user: text(user)?,
            password: text(&password)?,
            application: text(application)?,
            database: text(database)?,
        })
    }

    /// Returns whether the login is accepted, or the number of the error.
    pub fn verdict(&self) -> Result<(), u32> {
        if (self.user.as_str(), self.password.as_str()) != (USER, PASSWORD) {
            return Err(18_456);
        }
        if self.database == DATABASE { Ok(()) } else { Err(4_060) }
    }
}

/// Returns the answer to an accepted login.
pub fn accepted() -> Tokens {
    let mut tokens = Tokens::default();
    tokens.env_text(1, DATABASE, "master");
    tokens.collation();
    tokens.env_text(2, "us_english", "");
    tokens.login_ack(TDS_7_4);
    tokens.env_text(4, &PACKET.to_string(), &FIRST_PACKET.to_string());
    tokens.done(0, 0);
    tokens
}
