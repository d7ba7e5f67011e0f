//! Every promise the generator makes, for the demo's own seed and size and for others.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use rust_decimal::Decimal;

use super::*;

fn plan(seed: u64) -> DemoPlan {
    DemoPlan::new(seed, "2026-11-20T09:30:00.123456Z".parse().unwrap())
}

static FACTS: LazyLock<Facts> = LazyLock::new(|| plan(1).facts());
static MESSAGES: LazyLock<Vec<Message>> = LazyLock::new(|| plan(1).messages().collect());

/// The plans that are odd: of other seeds, small, empty, at odd times.
fn odd_plans() -> impl Iterator<Item = DemoPlan> {
    let sizes = [0, 1, 2, 3, 7, 50, 999, 4_000, 20_000];
    let times = ["2026-11-20", "2024-02-29T23:59:59.999999Z", "1971-01-01T16:00:00Z"];
    (2..).zip(sizes).map(move |(seed, size)| DemoPlan {
        seed,
        now: times[seed as usize % times.len()].parse().unwrap(),
        messages: size,
        posts: size / 20,
    })
}

fn share(part: usize, of: usize) -> f64 {
    part as f64 / of as f64
}

#[test]
fn equal_seeds_give_equal_records() {
    let small = |seed| DemoPlan { messages: 3_000, posts: 60, ..plan(seed) };
    let everything = |seed| {
        let plan = small(seed);
        let chat =
            format!("{:?}", (plan.conversations().collect::<Vec<_>>(), plan.messages().collect::<Vec<_>>()));
        let board = format!("{:?}", (plan.posts().collect::<Vec<_>>(), plan.comments().collect::<Vec<_>>()));
        let likes = format!("{:?}", plan.likes().collect::<Vec<_>>());
        let market = format!("{:?}", plan.prices().collect::<Vec<_>>());
        [chat, board, likes, market]
    };
    let (one, other) = (everything(1), everything(2));
    assert!(one == everything(1), "twice the same seed, and not the same records");
    for (one, other) in one.iter().zip(&other) {
        assert!(one != other, "another seed, and the same records");
    }
    assert_eq!(small(1).users().collect::<Vec<_>>(), small(1).users().collect::<Vec<_>>());
    assert_eq!(small(1).facts(), small(1).facts());
}

#[test]
fn names_and_addresses_are_unique() {
    let users: Vec<_> = plan(1).users().collect();
    assert_eq!(users.len(), USERS);
    assert!((1..).zip(&users).all(|(id, user)| user.id == id));
    let names: HashSet<_> = users.iter().map(|user| user.username.to_lowercase()).collect();
    let addresses: HashSet<_> = users.iter().map(|user| user.email.to_lowercase()).collect();
    assert_eq!((names.len(), addresses.len()), (USERS, USERS));
    assert!(addresses.iter().all(|address| address.is_ascii()));
    assert!(share(names.iter().filter(|name| !name.is_ascii()).count(), USERS) > 0.4);
}

#[test]
fn messages_belong_to_their_conversations() {
    for plan in odd_plans().chain([plan(1)]) {
        let conversations: Vec<_> = plan.conversations().collect();
        assert_eq!(conversations.len(), CONVERSATIONS);
        let mut pairs = HashSet::new();
        for (id, conversation) in (1..).zip(&conversations) {
            assert_eq!(conversation.id, id);
            assert!((1..=USERS as i64).contains(&conversation.user1_id));
            if let Some(user2) = conversation.user2_id {
                assert!((1..=USERS as i64).contains(&user2));
                assert!(pairs.insert((conversation.user1_id.min(user2), conversation.user1_id.max(user2))));
            }
            assert!(
                conversation.created_at <= conversation.updated_at && conversation.updated_at <= plan.now
            );
        }
        let mut newest = HashMap::new();
        let mut count = 0;
        for (id, message) in (1..).zip(plan.messages()) {
            let conversation = &conversations[message.conversation_id as usize - 1];
            assert_eq!(message.id, id);
            assert!(
                message.sender_id == conversation.user1_id
                    || Some(message.sender_id) == conversation.user2_id,
                "{plan:?} {message:?}"
            );
            assert!(message.created_at >= conversation.created_at, "{plan:?} {message:?}");
            assert!(message.created_at <= plan.now, "{plan:?} {message:?}");
            let at = newest.entry(message.conversation_id).or_insert(message.created_at);
            *at = message.created_at.max(*at);
            count += 1;
        }
        assert_eq!(count, plan.messages);
        for conversation in conversations {
            let newest = newest.get(&conversation.id).copied();
            assert_eq!(conversation.updated_at, newest.unwrap_or(conversation.created_at));
        }
    }
}

#[test]
fn conversations_are_of_every_size() {
    let plan = plan(1);
    let mut old = [0; CONVERSATIONS];
    let mut recent = [0; CONVERSATIONS];
    for message in MESSAGES.iter() {
        let side = if message.created_at < plan.boundary() { &mut old } else { &mut recent };
        side[message.conversation_id as usize - 1] += 1;
    }
    let mut sizes: Vec<_> = old.iter().zip(&recent).map(|(old, recent)| old + recent).collect();
    let busiest = FACTS.conversation as usize - 1;
    assert!((35_000..45_000).contains(&sizes[busiest]), "{sizes:?}");
    assert!(old[busiest] > 25_000 && recent[busiest] > 5_000, "{sizes:?}");
    sizes.sort_unstable();
    let empty = sizes.iter().filter(|size| **size == 0).count();
    assert!((1..4).contains(&empty), "{sizes:?}");
    assert!(sizes[CONVERSATIONS - 2] < 20_000 && sizes[10] < 400, "{sizes:?}");
    let counts = || old.iter().zip(&recent);
    let asleep = counts().filter(|(old, recent)| **old > 0 && **recent == 0);
    assert!((3..10).contains(&asleep.count()), "{old:?} {recent:?}");
    let begun = counts().filter(|(old, recent)| **old == 0 && (1..50).contains(*recent));
    assert!(begun.count() > 0, "{old:?} {recent:?}");
    let newest = plan.conversations().last().unwrap();
    assert!(newest.created_at > plan.now.plus(-DAY / 12), "{newest:?}");
    assert!(plan.conversations().any(|conversation| conversation.user2_id.is_none()));
}

#[test]
fn messages_come_in_bursts_by_day_with_ties_and_steps_back() {
    let plan = plan(1);
    let times = || MESSAGES.iter().map(|message| message.created_at);
    let recent = share(times().filter(|at| *at >= plan.boundary()).count(), MESSAGES.len());
    assert!((0.15..=0.20).contains(&recent), "{recent}");
    assert!(times().min() > Some(plan.now.plus(-(SPAN_DAYS + 1) * DAY)));
    assert!(times().max() > Some(plan.now.plus(-DAY / 24)));

    let back = times().zip(times().skip(1)).filter(|(one, next)| next < one).count();
    assert!(back > 100 && share(back, MESSAGES.len()) < 0.02, "{back}");
    let mut tied = HashMap::new();
    for message in MESSAGES.iter() {
        *tied.entry((message.conversation_id, message.created_at)).or_insert(0) += 1;
    }
    assert!(tied.values().filter(|count| **count > 1).count() > 1_000);
    assert!(tied.values().any(|count| *count > 2));

    let fractions = share(times().filter(|at| at.micros() % 1_000_000 > 0).count(), MESSAGES.len());
    assert!((0.7..0.95).contains(&fractions), "{fractions}");
    let night = times().filter(|at| at.micros().rem_euclid(DAY) > DAY / 24 * 17).count();
    assert!(share(night, MESSAGES.len()) < 0.1, "{night}");
    let near = MESSAGES.windows(2).filter(|pair| {
        let pause = pair[1].created_at.micros() - pair[0].created_at.micros();
        pair[0].conversation_id == pair[1].conversation_id && pause < 60_000_000
    });
    assert!(share(near.count(), MESSAGES.len()) > 0.7);
}

#[test]
fn contents_include_difficult_texts() {
    let holds =
        |test: &dyn Fn(&str) -> bool| MESSAGES.iter().filter(|message| test(&message.content)).count();
    for literal in ["%", "_", "[", "\\", "'", "\"", "\n", "🇹🇼", "👨‍👩‍👧‍👦", "台積電", "嗎"]
    {
        let found = share(holds(&|content| content.contains(literal)), MESSAGES.len());
        assert!(found > 0.0002 && found < 0.3, "{literal}: {found}");
    }
    assert!((20..1_000).contains(&holds(&str::is_empty)));
    assert!((20..200).contains(&holds(&|content| content.len() > 1_500)));
    assert!(holds(&|content| content.contains(['\u{fffd}', '\0'])) == 0);
    for slot in ["{s}", "{n}", "{b}", "{t}", "{h}", "{d}", "{e}"] {
        assert_eq!(holds(&|content| content.contains(slot)), 0, "{slot}");
    }
    let unread = MESSAGES.iter().filter(|message| !message.is_read).count();
    assert!(unread > 0 && share(unread, MESSAGES.len()) < 0.1);
}

#[test]
fn facts_find_something_on_both_sides() {
    let smaller = |seed| DemoPlan { messages: 5_000, ..plan(seed) };
    for plan in [plan(1), smaller(2), smaller(3), smaller(4)] {
        let facts = plan.facts();
        for word in [facts.word, facts.han_word] {
            let (old, recent): (Vec<_>, Vec<_>) = plan
                .messages()
                .filter(|message| {
                    message.conversation_id == facts.conversation && message.content.contains(word)
                })
                .partition(|message| message.created_at < plan.boundary());
            assert!(!old.is_empty() && !recent.is_empty(), "{facts:?}");
        }
        let others = plan.conversations().filter(|conversation| conversation.user1_id == facts.user);
        assert!(others.count() > 1, "{facts:?}");
        assert!(plan.comments().filter(|comment| comment.post_id == facts.post).count() > 150);
        assert!(plan.stocks().any(|stock| stock.symbol == facts.symbol));
    }
}

#[test]
fn the_board_is_skewed_and_in_order() {
    for plan in odd_plans().chain([plan(1)]) {
        let posts: Vec<_> = plan.posts().collect();
        assert_eq!(posts.len(), plan.posts);
        let mut ids = HashSet::new();
        let users = 1..=USERS as i64;
        for (id, post) in (1..).zip(&posts) {
            assert_eq!(post.id, id);
            assert!(users.contains(&post.author_id));
            assert!((1..=200).contains(&post.title.chars().count()) && !post.body.is_empty());
            assert!(post.created_at <= plan.now && post.created_at >= plan.now.plus(-SPAN_DAYS * DAY));
        }
        assert!(posts.is_sorted_by_key(|post| post.created_at));
        for comment in plan.comments() {
            let post = &posts[comment.post_id as usize - 1];
            assert!(ids.insert(comment.id) && users.contains(&comment.author_id));
            assert!(post.created_at < comment.created_at && comment.created_at <= plan.now, "{comment:?}");
        }
        let mut likes = HashSet::new();
        for like in plan.likes() {
            assert!(users.contains(&like.user_id) && (1..=plan.posts as i64).contains(&like.post_id));
            assert!(likes.insert(like), "{like:?}");
        }
    }
    let plan = plan(1);
    let mut comments = vec![0; plan.posts];
    plan.comments().for_each(|comment| comments[comment.post_id as usize - 1] += 1);
    assert!(comments.iter().filter(|count| **count == 0).count() > 200);
    assert!(comments.iter().any(|count| (200..=500).contains(count)));
    assert_eq!(comments.iter().max(), Some(&comments[FACTS.post as usize - 1]));
    let mut authors = vec![0; USERS];
    plan.posts().for_each(|post| authors[post.author_id as usize - 1] += 1);
    authors.sort_unstable();
    assert!(authors[USERS - 10..].iter().sum::<usize>() * 3 > plan.posts, "{authors:?}");
    let recent = plan.posts().filter(|post| post.created_at >= plan.boundary()).count();
    assert!((0.15..=0.20).contains(&share(recent, plan.posts)), "{recent}");
}

#[test]
fn prices_follow_the_rules_of_an_exchange() {
    for plan in odd_plans().chain([plan(1)]) {
        let stocks: Vec<_> = plan.stocks().collect();
        assert!(stocks.is_sorted_by_key(|stock| stock.symbol));
        assert!(
            ["2330", "0050", "1312A"].iter().all(|symbol| stocks.iter().any(|stock| stock.symbol == *symbol))
        );
        let mut closes: HashMap<i64, Decimal> = HashMap::new();
        let mut days = HashSet::new();
        let (mut quiet, mut unknown, mut unmoved, mut wide) = (0, 0, 0, 0);
        for price in plan.prices() {
            assert!(days.insert((price.stock_id, price.trade_date)));
            assert!((1..=stocks.len() as i64).contains(&price.stock_id));
            assert!(Timestamp::midnight(price.trade_date) <= plan.now);
            let [Some(open), Some(high), Some(low), Some(close)] =
                [price.open_price, price.high_price, price.low_price, price.close_price]
            else {
                quiet += 1;
                assert_eq!((price.close_price, price.change_amount, price.volume), (None, None, Some(0)));
                continue;
            };
            assert!(Decimal::ZERO < low && low <= open.min(close) && open.max(close) <= high, "{price:?}");
            assert!([open, high, low, close].iter().all(|price| price.scale() == 2));
            let before = closes.insert(price.stock_id, close);
            match (price.change_amount, before) {
                (Some(change), Some(before)) => {
                    assert_eq!((change, change.scale()), (close - before, 2), "{price:?}");
                    assert!(change.abs() * Decimal::TEN <= before, "beyond the daily limit: {price:?}");
                    unmoved += i64::from(change.to_string() == "0.00");
                }
                (None, _) => unknown += 1,
                (Some(_), None) => panic!("a change from nothing: {price:?}"),
            }
            assert!(price.volume > Some(0) && price.turnover > Some(0) && price.transaction_count > Some(0));
            wide += i64::from(price.turnover > Some(i64::from(u32::MAX)));
        }
        assert!((700 * 20..784 * 20).contains(&days.len()), "{}", days.len());
        assert!(quiet > 10 && quiet < 200 && unknown > 20 && unknown < 150, "{quiet} {unknown}");
        assert!(unmoved > 100 && wide > 100, "{unmoved} {wide}");
    }
}

#[test]
fn a_day_has_a_price_after_the_exchange_closes() {
    let last =
        |now: &str| DemoPlan::new(1, now.parse().unwrap()).prices().last().unwrap().trade_date.to_string();
    assert_eq!(last("2026-11-20T05:29:59Z"), "2026-11-19");
    assert_eq!(last("2026-11-20T05:30:00Z"), "2026-11-20");
    assert_eq!(last("2026-11-22T12:00:00Z"), "2026-11-20", "a Sunday");
}

#[test]
fn the_timeline_is_monotonic() {
    for plan in odd_plans().chain([plan(1)]) {
        let timeline = timeline::Timeline::new(plan.now, plan.messages);
        let times: Vec<_> = (0..=plan.messages + 1).map(|i| timeline.at(i)).collect();
        assert!(times.is_sorted() && times[0] >= timeline.begin());
        assert_eq!(times.last(), Some(&plan.now.micros()));
    }
}
