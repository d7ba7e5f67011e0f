//! The promises P1 to P4 of the federation against a naive oracle, a sorted vector: random histories of two in-memory
//! tiers, with readers in between and events in the middle of requests.

mod engines;
mod requests;
mod world;

use std::collections::BTreeSet;
use std::iter::repeat_with;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use thermocline::clock::Timestamp;
use thermocline::federation::{Count, ReadError, Tiers};
use thermocline::page::{Key, Order, Span};
use thermocline::tier::Tier;

use self::engines::Talk;
use self::requests::{Ask, LATE_AT_ONCE, ROW, Service};
use self::world::{Row, Step, World};
use crate::support::bounds::bound;

type Checked = Result<(), TestCaseError>;

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(future)
}

/// Returns keys in use, keys next to those, and both ends.
fn any_key() -> impl Strategy<Value = Key> {
    let key = |(at, id)| Key::new(Timestamp::default().plus(at), id);
    prop_oneof![
        8 => (-40..80i64, prop_oneof![0..120i64, Just(i64::MIN), Just(i64::MAX)]).prop_map(key),
        8 => (0..300i64).prop_map(|nth| Key::new(Timestamp::default().plus(ROW), nth)),
        1 => Just(Key::MIN),
        1 => Just(Key::MAX),
    ]
}

/// Returns spans, empty and inverted ones included.
fn any_span() -> impl Strategy<Value = Span> {
    let between = (any_key(), any_key()).prop_map(|(lower, upper)| Span { lower, upper });
    prop_oneof![
        3 => Just(Span::ALL),
        1 => any_key().prop_map(|key| Span::ALL.below(key)),
        1 => any_key().prop_map(|key| Span::ALL.from(key)),
        2 => between,
    ]
}

fn any_order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Desc), Just(Order::Asc)]
}

fn any_count() -> impl Strategy<Value = Count> {
    prop_oneof![Just(Count::None), Just(Count::Usual), Just(Count::Exact)]
}

fn seek() -> impl Strategy<Value = Ask> {
    (any_span(), any_order(), 0..9i64).prop_map(|(span, order, limit)| Ask::Seek { span, order, limit })
}

fn around() -> impl Strategy<Value = Ask> {
    let around = |(span, pivot, limit, counted)| Ask::Around { span, pivot, limit, counted };
    (any_span(), any_key(), 1..9i64, any::<bool>()).prop_map(around)
}

/// Prices are not counted: hot may hold a day that cold holds too.
fn around_uncounted() -> impl Strategy<Value = Ask> {
    around().prop_map(|ask| match ask {
        Ask::Around { span, pivot, limit, .. } => Ask::Around { span, pivot, limit, counted: false },
        other => other,
    })
}

fn cursor() -> impl Strategy<Value = Ask> {
    (any_span(), any_key(), 1..9i64, any::<bool>()).prop_map(|(span, key, limit, before)| {
        if before { Ask::Before { span, key, limit } } else { Ask::After { span, key, limit } }
    })
}

fn page() -> impl Strategy<Value = Ask> {
    let offset = prop_oneof![4 => 0..40i64, 1 => 0..400i64];
    let page = |(span, offset, limit, count)| Ask::Page { span, offset, limit, count };
    (any_span(), offset, 1..9i64, any_count()).prop_map(page)
}

fn any_ask() -> impl Strategy<Value = Ask> {
    prop_oneof![4 => page(), 4 => seek(), 4 => cursor(), 2 => around(), 1 => (0..120i64).prop_map(Ask::Find)]
}

/// Returns any step except that cold becomes unreachable.
fn any_step() -> impl Strategy<Value = Step> {
    let nth = 0..1000usize;
    let insert = (prop_oneof![3 => 0..3i64, 1 => -30..0i64], 0..2i64);
    prop_oneof![
        8 => insert.prop_map(|(after, talk)| Step::Insert { after, talk }),
        1 => (1..20i64, -30..0i64).prop_map(|(count, after)| Step::Import { count, after }),
        1 => nth.clone().prop_map(Step::Edit),
        1 => nth.clone().prop_map(Step::Delete),
        4 => (0..12usize).prop_map(|rows| Step::Archive { rows }),
        2 => (nth.clone(), 1..8usize, any::<bool>())
            .prop_map(|(first, rows, exact)| Step::Restore { first, rows, exact }),
        1 => (nth.clone(), any::<bool>()).prop_map(|(row, exact)| Step::Erase { row, exact }),
        8 => Just(Step::Commit),
        1 => Just(Step::Die),
        2 => Just(Step::Confirm),
        1 => Just(Step::Vacuum),
        1 => nth.prop_map(|first| Step::Sweep { first }),
        2 => Just(Step::Wait),
    ]
}

/// Returns first steps with rows to archive.
fn any_past() -> impl Strategy<Value = Vec<Step>> {
    let grown = (0..60i64, vec(any_step(), 0..20));
    grown.prop_map(|(count, mut steps)| {
        steps.insert(0, Step::Import { count, after: 0 });
        steps
    })
}

/// An element of a history: a step, or a request with steps happening during it.
#[derive(Clone, Debug)]
enum Event {
    Step(Step),
    Ask { talk: i64, ask: Ask, script: Vec<Step> },
}

fn any_event(
    ask: impl Strategy<Value = Ask>,
    step: impl Strategy<Value = Step> + Clone,
) -> impl Strategy<Value = Event> {
    // Fewer disturbances than a request makes attempts.
    let script = prop_oneof![1 => Just(Vec::new()), 1 => vec(step.clone(), 0..7)];
    let ask = (0..2i64, ask, script).prop_map(|(talk, ask, script)| Event::Ask { talk, ask, script });
    prop_oneof![1 => step.prop_map(Event::Step), 1 => ask]
}

async fn play(service: &mut Service, past: Vec<Step>, events: Vec<Event>) -> Checked {
    for step in past {
        service.apply(step);
    }
    for event in events {
        match event {
            Event::Step(step) => service.apply(step),
            Event::Ask { talk, ask, script } => service.ask(Talk(talk), ask, &script).await?,
        }
    }
    Ok(())
}

/// Returns the number of random histories of each property.
fn cases() -> ProptestConfig {
    ProptestConfig::with_cases(bound("PROPTEST_CASES", 256, 24) as u32)
}

proptest! {
    #![proptest_config(cases())]

    /// P1, P2 and P4: any request at any moment, with any steps during it.
    #[test]
    fn every_response_is_the_list_at_one_instant(
        past in any_past(),
        events in vec(any_event(any_ask().boxed(), any_step().boxed()), 1..40),
    ) {
        run(play(&mut Service::new(World::new(false)), past, events))?;
    }

    /// The same for prices: hot may hold a key that cold holds too, and takes precedence. Prices are read by key only.
    #[test]
    fn corrected_prices_take_precedence(
        past in any_past(),
        events in vec(any_event(prop_oneof![seek(), cursor(), around_uncounted()].boxed(), any_step().boxed()), 1..40),
    ) {
        run(play(&mut Service::new(World::new(true)), past, events))?;
    }

    /// Cold becomes unreachable and reachable, between requests and during them.
    #[test]
    fn an_unreachable_cold_leaves_what_hot_can_answer(
        past in any_past(),
        partial in any::<bool>(),
        events in {
            let step = prop_oneof![3 => any_step(), 1 => any::<bool>().prop_map(Step::Away)].boxed();
            vec(any_event(any_ask().boxed(), step), 1..40)
        },
    ) {
        let mut service = Service::new(World::new(false));
        service.partial = partial;
        run(play(&mut service, past, events))?;
    }

    /// P3: a reader who follows the pages in either direction meets every remaining row once.
    #[test]
    fn paging_returns_every_row_once(
        shadowing in any::<bool>(),
        past in any_past(),
        start in any_key(),
        order in any_order(),
        limit in 1..7i64,
        scripts in vec((vec(any_step(), 0..7), vec(any_step(), 0..4)), 0..40),
    ) {
        let service = Service::new(World::new(shadowing));
        for step in past {
            service.apply(step);
        }
        run(walk(&service, start, order, limit, scripts))?;
    }

    /// Above 100 late rows, ranks are found by bisection, also while rows move.
    #[test]
    fn many_late_rows_are_bisected(
        (archived, late, below) in (100..170i64, LATE_AT_ONCE as i64 + 2..170, 1..60i64),
        asks in vec((0..320i64, 1..12i64, any_span(), any_count(), vec(any_step(), 0..5)), 1..8),
    ) {
        let mut service = Service::new(many_late(archived, late, below));
        run(async {
            for (offset, limit, span, count, script) in asks {
                let ask = Ask::Page { span, offset, limit, count };
                service.ask(Talk(0), ask, &[]).await?;
                service.ask(Talk(0), ask, &script).await?;
            }
            Ok::<_, TestCaseError>(())
        })?;
    }

    /// One database was restored from an older backup: its rows are never combined with those of the other.
    #[test]
    fn an_outdated_database_is_detected(
        past in any_past(),
        since in vec(any_step(), 1..30),
        older_hot in any::<bool>(),
        asks in vec((0..2i64, any_ask()), 1..8),
    ) {
        let mut world = World::new(false);
        for step in past {
            world.apply(step);
        }
        let backup = world.clone();
        for step in since.into_iter().chain([Step::Confirm]) {
            world.apply(step);
        }
        if world.commits == backup.commits {
            for step in [Step::Archive { rows: 2 }, Step::Commit, Step::Confirm] {
                world.apply(step);
            }
        }
        if older_hot {
            (world.hot, world.all) = (backup.hot, backup.all);
        } else {
            world.cold = backup.cold;
        }
        let fits = world.cold.proves(world.hot.mark) && world.cold.confirmed() <= world.hot.mark.epoch;
        let service = Service::new(world);
        for (talk, ask) in asks {
            service.pair.begin(&[]);
            let answer = run(service.outcome(Talk(talk), ask));
            let due = matches!(answer, Err(ReadError::Consistency(_)));
            prop_assert!(due || answer.is_ok(), "{:?}", answer);
            prop_assert!(due || fits || service.pair.seen().cold.is_empty(), "answered with rows of another time");
        }
    }
}

async fn walk(
    service: &Service,
    start: Key,
    order: Order,
    limit: i64,
    scripts: Vec<(Vec<Step>, Vec<Step>)>,
) -> Checked {
    let list = Talk(0);
    let start = service.key(start);
    let beyond = |key: Key| match order {
        Order::Desc => Span::ALL.below(key),
        Order::Asc => Span::ALL.from(key.successor()),
    };
    let keys = |rows: &[Row]| -> BTreeSet<Key> {
        rows.iter().filter(|row| row.talk == list.0).map(|row| row.key).collect()
    };
    let now = || service.pair.world(|world| keys(&world.all));
    let ahead = beyond(start);
    let mut staying = now();
    staying.retain(|key| ahead.lower <= *key && *key < ahead.upper);
    let mut met: Vec<Key> = Vec::new();
    for (inside, between) in scripts.into_iter().chain(repeat_with(Default::default)) {
        service.pair.begin(&inside);
        let place = met.last().copied().unwrap_or(start);
        let page = service.tiers().seek(&list, beyond(place), order, limit).await;
        let page = page.map_err(|error| TestCaseError::fail(error.to_string()))?;
        for instant in service.pair.seen().instants {
            staying = &staying & &keys(&instant.all);
        }
        met.extend(page.rows.iter().map(|placed| placed.row.key));
        if !page.more {
            break;
        }
        prop_assert!(!page.rows.is_empty(), "more rows, and no place to go on from");
        for step in between {
            service.apply(step);
            staying = &staying & &now();
        }
    }
    let once = |pair: &[Key]| if order == Order::Desc { pair[0] > pair[1] } else { pair[0] < pair[1] };
    prop_assert!(met.windows(2).all(once), "not in order, or twice: {:?}", met);
    let missed: Vec<_> = staying.into_iter().filter(|key| !met.contains(key)).collect();
    prop_assert!(missed.is_empty(), "missed {:?}", missed);
    Ok(())
}

/// Returns a world with `archived` rows in cold and `late` rows of each list among them in hot, the newest one `below`
/// microseconds below the newest cold row.
fn many_late(archived: i64, late: i64, below: i64) -> World {
    let mut world = World::new(false);
    world.apply(Step::Import { count: 180, after: 0 });
    world.apply(Step::Archive { rows: archived as usize });
    world.apply(Step::Commit);
    for _ in 0..2 {
        world.apply(Step::Import { count: late, after: archived - below - late - 180 });
    }
    world
}

/// Returns a world with rows in both tiers and no late rows.
fn both_tiers() -> World {
    let mut world = World::new(false);
    for step in [Step::Import { count: 40, after: 0 }, Step::Archive { rows: 30 }, Step::Commit] {
        world.apply(step);
    }
    world
}

fn deep(count: Count) -> Ask {
    Ask::Page { span: Span::ALL, offset: 10, limit: 5, count }
}

const OLDEST: Ask = Ask::Seek { span: Span::ALL, order: Order::Asc, limit: 5 };

#[test]
fn ranks_of_late_rows_cost_counts_only() {
    let service = Service::new(many_late(120, 150, 5));
    let ask = Ask::Page { span: Span::ALL, offset: 130, limit: 5, count: Count::None };
    service.pair.begin(&[]);
    run(service.outcome(Talk(0), ask)).expect("a page");
    let seen = service.pair.seen();
    assert!(seen.cold_counts > 1 && seen.hot.len() > 3, "not bisected: {seen:?}");
    assert!(seen.hot.iter().chain(&seen.cold).all(|rows| *rows <= 6), "{seen:?}");
}

/// When the previous request needed cold, both tiers are asked at the same time.
#[test]
fn both_tiers_are_read_concurrently() {
    let service = Service::new(both_tiers());
    let outcome = |script: &[Step]| {
        service.pair.begin(script);
        run(service.outcome(Talk(0), OLDEST)).expect("a page");
        service.pair.seen().answered
    };
    assert_eq!(outcome(&[Step::Wait]), [Tier::Hot, Tier::Cold]);
    assert_eq!(outcome(&[Step::Wait]), [Tier::Cold, Tier::Hot]);
    let moves = [Step::Archive { rows: 2 }, Step::Commit];
    for step in moves {
        service.apply(step);
    }
    assert_eq!(outcome(&[]), [Tier::Hot, Tier::Cold, Tier::Cold], "asked again at the new epoch");
}

#[test]
fn cold_is_counted_once_per_epoch() {
    let service = Service::new(both_tiers());
    let counts = || {
        service.pair.begin(&[]);
        run(service.outcome(Talk(0), deep(Count::Exact))).expect("a page");
        service.pair.seen().cold_counts
    };
    assert_eq!((counts(), counts()), (1, 0));
    for step in [Step::Insert { after: 1, talk: 0 }, Step::Archive { rows: 2 }, Step::Commit] {
        service.apply(step);
    }
    assert_eq!((counts(), counts()), (1, 0));
}

/// The floor rises above the epoch that hot returned before cold is asked.
#[test]
fn retries_of_a_reader_are_limited() {
    let sweeps = vec![Step::Sweep { first: 0 }; 100];
    for ask in [OLDEST, deep(Count::None), deep(Count::Exact), Ask::Find(1)] {
        let service = Service::new(both_tiers());
        service.pair.begin(&sweeps);
        let answer = run(service.outcome(Talk(0), ask));
        assert!(matches!(answer, Err(ReadError::Overtaken { .. })), "{ask:?}: {answer:?}");
    }
}

/// A restored hot database gives a number out again; the token shows that it is another move.
#[test]
fn an_epoch_with_another_token_proves_nothing() {
    for ask in [OLDEST, deep(Count::None), deep(Count::Exact), Ask::Find(1)] {
        let mut world = both_tiers();
        world.hot.mark.token = Some(-1);
        let answer = run(Service::new(world).outcome(Talk(0), ask));
        assert!(matches!(answer, Err(ReadError::Consistency(_))), "{ask:?}: {answer:?}");
    }
}

#[test]
fn without_a_cold_tier_only_hot_rows_are_returned() {
    let service = Service::new(both_tiers());
    let tiers = Tiers { cold: None, ..service.tiers() };
    let list = Talk(0);
    let first = run(tiers.page(&list, Span::ALL, 0, 4, Count::Usual)).expect("hot can");
    assert_eq!((first.rows.len(), first.more, first.total), (4, true, None));
    let error = run(tiers.page(&list, Span::ALL, 0, 4, Count::Exact)).expect_err("cold rows to count");
    assert!(matches!(error, ReadError::NoCold { .. }), "{error:?}");
    let error = run(tiers.seek(&list, Span::ALL, Order::Asc, 4)).expect_err("cold rows to read");
    assert!(matches!(error, ReadError::NoCold { .. }), "{error:?}");
    let some = run(Tiers { partial: true, ..tiers }.seek(&list, Span::ALL, Order::Desc, 9)).expect("half");
    assert_eq!((some.rows.len(), some.more), (5, true));
    assert!(some.missing_from.is_some());
}

/// Late rows that fill the hot slice must not hide that hot has more.
#[test]
fn a_partial_ascending_page_does_not_end_too_early() {
    let mut service = Service::new(many_late(100, 110, 5));
    service.partial = true;
    service.apply(Step::Away(true));
    run(service.ask(Talk(0), OLDEST, &[])).expect("what hot holds above the newest cold row");
}
