//! The change feed of messages: answered at once as JSON, or followed as a stream of events.

mod answer;
mod follow;
pub mod http;
mod read;
mod source;

use crate::federation::FeedError;
use crate::feed::Token;
use crate::web::problem::Problem;
use crate::web::state::App;

/// Returns the token of now; none without a feed.
pub async fn token(app: &App) -> Result<Option<Token>, Problem> {
    match read::now(app).await {
        Ok(token) => Ok(Some(token)),
        Err(FeedError::Off) => Ok(None),
        Err(error) => Err(error.into()),
    }
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
