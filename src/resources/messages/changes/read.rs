//! Reads part of the feed for a caller.

use crate::federation::{Changes, FeedError};
use crate::feed::Token;
use crate::resources::messages::{Message, Messages, readers};
use crate::web::live::Of;
use crate::web::state::App;

/// Any list of messages: the filter of a list does not matter to the feed.
pub(super) static ANY: Messages = Messages::of(0);

/// Returns the token of now.
pub async fn now(app: &App) -> Result<Token, FeedError> {
    app.reader().feed(&ANY).now().await
}

/// Returns the changes since `since`, at most `limit`.
pub async fn changes(app: &App, since: Token, of: Of, limit: i64) -> Result<Changes<Message>, FeedError> {
    let reader = app.reader();
    let feed = reader.feed(&ANY);
    let user = match of {
        Of::All => return feed.changes(since, None, limit).await,
        Of::Conversation(id) => return feed.changes(since, Some(&[id]), limit).await,
        Of::User(user) => user,
    };
    // A message below this bound is in a conversation that is there when the conversations are read. Without the bound a
    // conversation that begins after they were read would be passed over.
    let bound = feed.now().await?;
    let conversations = readers::conversations_of(app.hot(), user).await?;
    Ok(cut(feed.changes(since, Some(&conversations), limit).await?, bound))
}

/// Leaves away what lies past `bound`.
fn cut(mut part: Changes<Message>, bound: Token) -> Changes<Message> {
    if part.next.position <= bound.position {
        return part;
    }
    let count = part.changes.len();
    part.changes.retain(|change| change.next.position <= bound.position);
    Changes { next: bound, has_more: part.has_more || part.changes.len() < count, ..part }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::{Change, Changed};
    use crate::feed::Position;

    fn at(version: i64) -> Token {
        Token { incarnation: 1, position: Position::first_of(version) }
    }

    #[test]
    fn a_part_ends_at_the_bound() {
        let part = |versions: &[i64], next| Changes {
            changes: versions
                .iter()
                .map(|version| Changed { scope: 1, next: at(version + 1), change: Change::Erased(*version) })
                .collect(),
            next: at(next),
            has_more: false,
        };
        assert_eq!(cut(part(&[1, 4], 5), at(5)), part(&[1, 4], 5));
        assert_eq!(cut(part(&[1, 4], 6), at(5)), part(&[1, 4], 5));
        let more = Changes { has_more: true, ..part(&[1, 4], 5) };
        assert_eq!(cut(part(&[1, 4, 5, 7], 9), at(5)), more);
        assert_eq!(cut(part(&[1], 2), at(5)), part(&[1], 2), "a limit ended it earlier");
    }
}
