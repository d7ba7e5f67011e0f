//! The change feed of messages: answered at once as JSON, or followed as a stream of events.

mod answer;
mod follow;
pub mod http;
mod read;
mod source;

use crate::federation::FeedError;
use crate::journal::live::Kind;
use crate::web::problem::Problem;
use crate::web::state::App;

/// Returns how messages get their versions; none without a feed.
pub async fn kind(app: &App) -> Result<Option<Kind>, Problem> {
    Ok(app.reader().feed(&read::ANY).kind().await?)
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Off => Self::LiveOff,
            FeedError::Expired => Self::ChangesExpired,
            FeedError::Read(error) => error.into(),
        }
    }
}
