//! Posts with comments and likes: few authors, few discussions, and many posts without a comment.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::index;

use super::timeline::Timeline;
use super::{Comment, DemoPlan, Like, Post, Stream, USERS, skewed, text};
use crate::clock::{DAY, Timestamp};

/// The longest time from a post to its last comment.
const DISCUSSION: i64 = 60 * DAY;
/// The most comments of a post.
const MAX_COMMENTS: i64 = 500;

impl DemoPlan {
    /// Returns the posts by id.
    pub fn posts(self) -> impl Iterator<Item = Post> + Send + 'static {
        let mut rng = self.rng(Stream::Posts, 0);
        let mut times = self.post_times();
        (1..).map_while(move |id| {
            Some(Post {
                id,
                created_at: times.next()?,
                author_id: user(&mut rng, 3),
                title: text::title(&mut rng),
                body: text::body(&mut rng),
            })
        })
    }

    /// Returns the comments by id.
    pub fn comments(self) -> impl Iterator<Item = Comment> + Send + 'static {
        let mut rng = self.rng(Stream::Comments, 0);
        (1..)
            .zip(self.post_times())
            .flat_map(move |(post, at)| self.comment_times(post, at).into_iter().map(move |at| (post, at)))
            .zip(1..)
            .map(move |((post, created_at), id)| Comment {
                id,
                post_id: post as i64,
                author_id: user(&mut rng, 1),
                body: text::comment(&mut rng),
                created_at,
            })
    }

    /// Returns the likes by post.
    pub fn likes(self) -> impl Iterator<Item = Like> + Send + 'static {
        (1..=self.posts).flat_map(move |post| {
            let mut rng = self.rng(Stream::Likes, post);
            let count = skewed(&mut rng, USERS as i64, 2) as usize;
            let users = index::sample(&mut rng, USERS, count);
            users.into_iter().map(move |user| Like { user_id: user as i64 + 1, post_id: post as i64 })
        })
    }

    /// Returns the id of the post with the most comments.
    pub(super) fn most_discussed(self) -> i64 {
        (1..)
            .zip(self.post_times())
            .max_by_key(|(post, at)| self.comment_times(*post, *at).len())
            .map_or(1, |(post, _)| post as i64)
    }

    fn post_times(self) -> impl Iterator<Item = Timestamp> + Send + 'static {
        // A stream of its own, because comments need the times without the texts.
        let mut rng = self.rng(Stream::PostTimes, 0);
        let timeline = Timeline::new(self.now, self.posts);
        let mut last = timeline.begin();
        (0..self.posts).map(move |i| {
            let tie = i > 0 && rng.random_ratio(2, 100);
            if !tie {
                last = rng.random_range(timeline.at(i)..=timeline.at(i + 1));
            }
            Timestamp::default().plus(last)
        })
    }

    /// Returns the times of the comments on a post in order. Most posts have few.
    fn comment_times(self, post: usize, at: Timestamp) -> Vec<Timestamp> {
        let mut rng = self.rng(Stream::CommentTimes, post);
        let span = (self.now.micros() - at.micros()).min(DISCUSSION);
        if span < 1 || rng.random_ratio(1, 4) {
            return Vec::new();
        }
        let count = skewed(&mut rng, MAX_COMMENTS, 3);
        let mut times: Vec<_> = (0..count).map(|_| at.plus(skewed(&mut rng, span - 1, 1) + 1)).collect();
        times.sort_unstable();
        times
    }
}

fn user(rng: &mut StdRng, skew: u32) -> i64 {
    skewed(rng, USERS as i64 - 1, skew) + 1
}
