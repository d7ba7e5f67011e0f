//! Requests, and the answers they must have.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use thermocline::federation::{Count, Page, Placed, ReadCache, ReadError, Tiers};
use thermocline::page::{Key, Order, Span};
use thermocline::tier::Tier;

use super::engines::{Instant, Pair, Seen, Talk};
use super::world::{Row, Step, World};

/// Up to this many late rows are read together with their page.
pub const LATE_AT_ONCE: usize = 100;

/// Offset of placeholder keys: `ROW + n` stands for the key of the nth row, newest first.
pub const ROW: i64 = -1_000_000_000;

/// A request.
#[derive(Clone, Copy, Debug)]
pub enum Ask {
    Page { span: Span, offset: i64, limit: i64, count: Count },
    Seek { span: Span, order: Order, limit: i64 },
    Around { span: Span, pivot: Key, limit: i64, counted: bool },
    Before { span: Span, key: Key, limit: i64 },
    After { span: Span, key: Key, limit: i64 },
    Find(i64),
}

type Answer<T> = Result<T, ReadError>;
type Checked = Result<(), TestCaseError>;

/// A pair and the service in front of it, which keeps what it learnt from earlier requests.
#[derive(Debug)]
pub struct Service {
    pub pair: Pair,
    pub partial: bool,
    memory: ReadCache,
    /// Number of hot commits at the time of the last page, which shows whether the memory can be outdated.
    commits: usize,
}

impl Service {
    pub fn new(world: World) -> Self {
        Self { pair: Pair::new(world), partial: false, memory: ReadCache::default(), commits: 0 }
    }

    pub fn tiers(&self) -> Tiers<'_, Talk> {
        Tiers { hot: &self.pair, cold: Some(&self.pair), cache: &self.memory, partial: self.partial }
    }

    pub fn apply(&self, step: Step) {
        self.pair.world(|world| world.apply(step));
    }

    /// Returns the key that `key` stands for.
    pub fn key(&self, key: Key) -> Key {
        let nth = |world: &mut World| {
            let nth = key.id as usize % world.all.len().max(1);
            world.all.get(nth).map_or(key, |row| row.key)
        };
        if key.at.micros() == ROW { self.pair.world(nth) } else { key }
    }

    fn resolved(&self, ask: Ask) -> Ask {
        let within = |span: Span| Span { lower: self.key(span.lower), upper: self.key(span.upper) };
        match ask {
            Ask::Page { span, offset, limit, count } => {
                Ask::Page { span: within(span), offset, limit, count }
            }
            Ask::Seek { span, order, limit } => Ask::Seek { span: within(span), order, limit },
            Ask::Around { span, pivot, limit, counted } => {
                Ask::Around { span: within(span), pivot: self.key(pivot), limit, counted }
            }
            Ask::Before { span, key, limit } => Ask::Before { span: within(span), key: self.key(key), limit },
            Ask::After { span, key, limit } => Ask::After { span: within(span), key: self.key(key), limit },
            Ask::Find(id) => Ask::Find(id),
        }
    }

    /// Returns only whether the request was answered.
    pub async fn outcome(&self, list: Talk, ask: Ask) -> Result<(), ReadError> {
        let tiers = self.tiers();
        match self.resolved(ask) {
            Ask::Page { span, offset, limit, count } => {
                tiers.page(&list, span, offset, limit, count).await.map(drop)
            }
            Ask::Seek { span, order, limit } => tiers.seek(&list, span, order, limit).await.map(drop),
            Ask::Around { span, pivot, limit, counted: false } => {
                tiers.around(&list, span, pivot, limit).await.map(drop)
            }
            Ask::Around { span, pivot, limit, counted: true } => {
                tiers.around_counted(&list, span, pivot, limit).await.map(drop)
            }
            Ask::Before { span, key, limit } => tiers.before(&list, span, key, limit).await.map(drop),
            Ask::After { span, key, limit } => tiers.after(&list, span, key, limit).await.map(drop),
            Ask::Find(id) => tiers.find(&list, id).await.map(drop),
        }
    }

    /// Sends a request while `script` happens, and checks the answer and its cost.
    pub async fn ask(&mut self, list: Talk, ask: Ask, script: &[Step]) -> Checked {
        let ask = self.resolved(ask);
        self.pair.begin(script);
        let commits = self.pair.world(|world| world.commits);
        let fresh = self.commits == commits;
        if !matches!(ask, Ask::Find(_)) {
            self.commits = commits;
        }
        let tiers = self.tiers();
        match ask {
            Ask::Page { span, offset, limit, count } => {
                let answer = tiers.page(&list, span, offset, limit, count).await;
                let seen = self.pair.seen();
                page_is_right(&seen, ask, self.partial, &answer)?;
                page_is_cheap(&seen, span, offset, limit, count)
            }
            Ask::Seek { span, order, limit } => {
                let answer = tiers.seek(&list, span, order, limit).await;
                let seen = self.pair.seen();
                page_is_right(&seen, ask, self.partial, &answer)?;
                seek_is_cheap(&seen, span, order, limit, fresh)
            }
            Ask::Around { span, pivot, limit, counted: false } => {
                let answer = tiers.around(&list, span, pivot, limit).await;
                around_is_right(&self.pair.seen(), span, pivot, limit, self.partial, &answer)
            }
            Ask::Around { span, pivot, limit, counted: true } => {
                let answer = tiers.around_counted(&list, span, pivot, limit).await;
                let seen = self.pair.seen();
                let Some(page) = whole(&seen, self.partial, &answer)? else { return Ok(()) };
                let right: Vec<_> =
                    seen.instants.iter().map(|instant| placed(instant, span, pivot, limit)).collect();
                one_of(page, &right)
            }
            Ask::Before { span, key, limit } => {
                let answer = tiers.before(&list, span, key, limit).await;
                let seen = self.pair.seen();
                let Some(page) = whole(&seen, self.partial, &answer)? else { return Ok(()) };
                before_is_right(&seen, span, key, limit, page)?;
                let met = |row: &Placed<Row>| row.row.key == key;
                let known = !page.rows.is_empty() && logical(&seen.instants[0], span).iter().any(met);
                cursor_is_cheap(&seen, limit, known)
            }
            Ask::After { span, key, limit } => {
                let answer = tiers.after(&list, span, key, limit).await;
                let seen = self.pair.seen();
                let Some(page) = whole(&seen, self.partial, &answer)? else { return Ok(()) };
                after_is_right(&seen, span, key, limit, page)?;
                let known = logical(&seen.instants[0], span).iter().any(|placed| placed.row.key == key);
                cursor_is_cheap(&seen, limit, known)
            }
            Ask::Find(id) => {
                let answer = tiers.find(&list, id).await;
                found_is_right(&self.pair.seen(), id, &answer)
            }
        }
    }
}

/// Returns the rows of the list in `span`, newest first, each with its tier.
fn logical(instant: &Instant, span: Span) -> Vec<Placed<Row>> {
    let inside = instant.all.iter().filter(|row| span.lower <= row.key && row.key < span.upper);
    let placed = |row: &Row| Placed { row: row.clone(), from_archive: !instant.hot.contains(row) };
    inside.map(placed).collect()
}

/// Returns the newest key cold may hold, if rows of `span` can lie at or below it.
fn reach(instant: &Instant, span: Span) -> Option<Key> {
    instant.mark.cold_watermark.filter(|newest| *newest >= span.lower && span.lower < span.upper)
}

/// Returns whether hot's rows down to the last one needed are all newer than any cold row.
fn hot_alone(instant: &Instant, span: Span, order: Order, last: i64) -> bool {
    let Some(newest) = reach(instant, span) else { return true };
    order == Order::Desc && hot_from(instant, Span { lower: newest.successor(), ..span }) > last
}

/// The same with a hot row that has the newest cold key: hot may answer alone, but need not.
fn hot_may_do(instant: &Instant, span: Span, last: i64) -> bool {
    reach(instant, span).is_none_or(|newest| hot_from(instant, Span { lower: newest, ..span }) > last)
}

fn hot_from(instant: &Instant, span: Span) -> i64 {
    instant.hot.iter().filter(|row| span.lower <= row.key && row.key < span.upper).count() as i64
}

fn window(rows: Vec<Placed<Row>>, offset: i64, limit: i64, total: Option<i64>) -> Page<Row> {
    let more = rows.len() as i64 > offset + limit;
    let rows = rows.into_iter().skip(offset as usize).take(limit as usize).collect();
    Page::new(rows, more, total)
}

/// Returns the expected answer at `instant`. A page by key is a page at the start of its span, in its order.
fn expected(instant: &Instant, ask: Ask) -> Page<Row> {
    match ask {
        Ask::Page { span, offset, limit, count } => {
            let rows = logical(instant, span);
            let total = (count != Count::None).then_some(rows.len() as i64);
            let newer = offset > 0 && !rows.is_empty();
            let hot_rows = Some(hot_from(instant, span));
            Page { newer, position: Some(offset), hot_rows, ..window(rows, offset, limit, total) }
        }
        Ask::Seek { span, order, limit } => {
            let mut rows = logical(instant, span);
            if order == Order::Asc {
                rows.reverse();
            }
            window(rows, 0, limit, None)
        }
        Ask::Around { .. } | Ask::Before { .. } | Ask::After { .. } | Ask::Find(_) => {
            unreachable!("no page")
        }
    }
}

/// Returns the expected answer around a row, all of one instant.
fn placed(instant: &Instant, span: Span, pivot: Key, limit: i64) -> Page<Row> {
    let rows = logical(instant, span);
    let above = rows.partition_point(|placed| placed.row.key > pivot) as i64;
    let position = above - above.min(limit / 2);
    let total = Some(rows.len() as i64);
    let hot_rows = Some(hot_from(instant, span));
    Page { newer: position > 0, position: Some(position), hot_rows, ..window(rows, position, limit, total) }
}

/// Returns the expected answer without cold: hot rows newer than every cold one.
fn without_cold(instant: &Instant, ask: Ask) -> Option<Page<Row>> {
    let newest = instant.mark.cold_watermark?;
    let mut hot = instant.clone();
    let mut page = if let Ask::Seek { span, order: Order::Asc, limit } = ask {
        // One read returned `limit + 1` rows; late ones may have filled it, and then there are more above.
        hot.all.clone_from(&hot.hot);
        let mut page = expected(&hot, Ask::Seek { span, order: Order::Asc, limit: limit + 1 });
        page.more = page.rows.len() as i64 > limit;
        page.rows.retain(|placed| placed.row.key > newest);
        page.rows.truncate(limit as usize);
        page
    } else {
        // Late rows prove that an empty page lies below others.
        let any = matches!(ask, Ask::Page { span, offset, .. } if offset > 0 && hot_from(instant, span) > 0);
        hot.hot.retain(|row| row.key > newest);
        hot.all.clone_from(&hot.hot);
        let counted = expected(instant, ask).hot_rows;
        Page { more: true, newer: any, hot_rows: counted, ..expected(&hot, ask) }
    };
    page.total = None;
    page.missing_from = Some(newest);
    Some(page)
}

fn one_of<T: PartialEq + std::fmt::Debug>(answer: &T, right: &[T]) -> Checked {
    prop_assert!(right.contains(answer), "answered {:#?}\nbut right would have been {:#?}", answer, right);
    Ok(())
}

fn page_is_right(seen: &Seen, ask: Ask, partial: bool, answer: &Answer<Page<Row>>) -> Checked {
    let (span, order, last, count) = match ask {
        Ask::Page { span, offset, limit, count } => (span, Order::Desc, offset + limit, count),
        Ask::Seek { span, order, limit } => (span, order, limit, Count::None),
        Ask::Around { .. } | Ask::Before { .. } | Ask::After { .. } | Ask::Find(_) => {
            unreachable!("no page")
        }
    };
    match answer {
        Ok(page) if page.missing_from.is_some() => {
            prop_assert!(partial && seen.refused, "partial without need: {:?}", page);
            let right: Vec<_> =
                seen.instants.iter().filter_map(|instant| without_cold(instant, ask)).collect();
            one_of(page, &right)
        }
        Ok(page) if count == Count::Usual && page.total.is_none() => {
            prop_assert!(seen.refused, "no total, though cold was there");
            let uncounted = |instant| Page { total: None, ..expected(instant, ask) };
            let enough = seen.instants.iter().filter(|instant| hot_may_do(instant, span, last));
            let right: Vec<_> = enough.map(uncounted).collect();
            one_of(page, &right)
        }
        Ok(page) => {
            let right: Vec<_> = seen.instants.iter().map(|instant| expected(instant, ask)).collect();
            one_of(page, &right)
        }
        Err(error) => {
            prop_assert!(seen.refused && error.unavailable() == Some(Tier::Cold), "{:?}", error);
            prop_assert!(!partial, "an error, though half an answer would do");
            let needed = !seen.instants.iter().all(|instant| hot_alone(instant, span, order, last));
            prop_assert!(needed || count == Count::Exact, "hot could answer alone");
            Ok(())
        }
    }
}

/// Returns a page that is not partial. Without one, checks that cold was away and that the answer says so.
fn whole<'a>(
    seen: &Seen,
    partial: bool,
    answer: &'a Answer<Page<Row>>,
) -> Result<Option<&'a Page<Row>>, TestCaseError> {
    match answer {
        Ok(page) if page.missing_from.is_none() => return Ok(Some(page)),
        Ok(page) => prop_assert!(partial && seen.refused, "partial without need: {:?}", page),
        Err(error) => {
            prop_assert!(seen.refused && error.unavailable() == Some(Tier::Cold), "{:?}", error);
            prop_assert!(!partial, "an error, though half an answer would do");
        }
    }
    Ok(None)
}

/// Checks that the rows are right at an instant, and at it or a later one whether there are newer rows.
fn before_is_right(seen: &Seen, span: Span, key: Key, limit: i64, page: &Page<Row>) -> Checked {
    let ask = Ask::Seek { span: span.below(key), order: Order::Desc, limit };
    let right: Vec<_> = seen.instants.iter().map(|instant| expected(instant, ask)).collect();
    let rows = Page { newer: false, ..page.clone() };
    one_of(&rows, &right)?;
    let since = right.iter().position(|right| *right == rows).unwrap_or(0);
    let edge = page.rows.first().map_or(key, |placed| placed.row.key);
    let newer = |instant| logical(instant, span).iter().any(|placed| placed.row.key > edge);
    let newer: Vec<bool> = seen.instants[since..].iter().map(newer).collect();
    one_of(&page.newer, &newer)
}

/// Checks that the rows and whether newer ones follow are right at an instant, and at it or a later one whether there are
/// older rows.
fn after_is_right(seen: &Seen, span: Span, key: Key, limit: i64, page: &Page<Row>) -> Checked {
    let ask = Ask::Seek { span: span.from(key.successor()), order: Order::Asc, limit };
    let right = |instant| {
        let page = expected(instant, ask);
        Page { newer: page.more, more: false, rows: page.rows.into_iter().rev().collect(), ..page }
    };
    let right: Vec<_> = seen.instants.iter().map(right).collect();
    let rows = Page { more: false, ..page.clone() };
    one_of(&rows, &right)?;
    let since = right.iter().position(|right| *right == rows).unwrap_or(0);
    let edge = page.rows.last().map_or(key.successor(), |placed| placed.row.key);
    let older = |instant| logical(instant, span).iter().any(|placed| placed.row.key < edge);
    let older: Vec<bool> = seen.instants[since..].iter().map(older).collect();
    one_of(&page.more, &older)
}

/// P4 of a cursor page: two rows more than the page from a tier, and one call of each while the cursor's row is there.
fn cursor_is_cheap(seen: &Seen, limit: i64, known: bool) -> Checked {
    let most = limit as usize + 2;
    prop_assert!(seen.hot.iter().chain(&seen.cold).all(|rows| *rows <= most), "too many rows: {:?}", seen);
    if !seen.disturbed && !seen.refused {
        prop_assert_eq!(seen.hot.len(), 1 + usize::from(!known), "hot: {:?}", seen);
    }
    Ok(())
}

/// Checks that each half is right at an instant of its own, the older half not before the newer one.
fn around_is_right(
    seen: &Seen,
    span: Span,
    pivot: Key,
    limit: i64,
    partial: bool,
    answer: &Answer<Page<Row>>,
) -> Checked {
    let Some(page) = whole(seen, partial, answer)? else { return Ok(()) };
    let split = page.rows.partition_point(|placed| placed.row.key > pivot);
    let (newer, older) = page.rows.split_at(split);
    let halves = |instant: &Instant| {
        let (mut above, mut below) = (logical(instant, span), logical(instant, span));
        above.retain(|placed| placed.row.key > pivot);
        below.retain(|placed| placed.row.key <= pivot);
        let hidden = above.len().saturating_sub(limit as usize / 2);
        let above = above.split_off(hidden);
        ((above, hidden > 0), window(below, 0, limit - newer.len() as i64, None))
    };
    let halves: Vec<_> = seen.instants.iter().map(halves).collect();
    let first = halves.iter().position(|((above, hidden), _)| above == newer && *hidden == page.newer);
    prop_assert!(first.is_some(), "above {:?}: {:?}\nnot in {:#?}", pivot, newer, halves);
    let older = Page { rows: older.to_vec(), newer: false, ..page.clone() };
    let right: Vec<_> = halves.into_iter().skip(first.unwrap_or(0)).map(|(_, below)| below).collect();
    one_of(&older, &right)
}

fn found_is_right(seen: &Seen, id: i64, answer: &Answer<Option<Placed<Row>>>) -> Checked {
    match answer {
        Ok(found) => {
            let find =
                |instant| logical(instant, Span::ALL).into_iter().find(|placed| placed.row.key.id == id);
            let right: Vec<_> = seen.instants.iter().map(find).collect();
            one_of(found, &right)
        }
        Err(error) => {
            prop_assert!(seen.refused && error.unavailable() == Some(Tier::Cold), "{:?}", error);
            let in_hot = |instant: &Instant| instant.hot.iter().any(|row| row.key.id == id);
            prop_assert!(!seen.instants.iter().all(in_hot), "hot has it");
            Ok(())
        }
    }
}

/// P4 of a page by key: `limit + 1` rows a tier, one call of hot, at most one of cold, none when hot can answer alone.
fn seek_is_cheap(seen: &Seen, span: Span, order: Order, limit: i64, fresh: bool) -> Checked {
    let most = limit as usize + 1;
    prop_assert!(seen.hot.iter().chain(&seen.cold).all(|rows| *rows <= most), "too many rows: {:?}", seen);
    if seen.disturbed || seen.refused {
        return Ok(());
    }
    prop_assert_eq!(seen.hot.len(), 1, "hot: {:?}", seen);
    if hot_alone(&seen.instants[0], span, order, limit) {
        // A memory that requires cold without need must be outdated.
        prop_assert!(seen.cold.is_empty() || !fresh, "cold was not needed: {:?}", seen);
    }
    prop_assert!(seen.cold.len() <= 1 + usize::from(!fresh), "cold: {:?}", seen);
    Ok(())
}

/// P4 of a page by offset. A few late rows may be read along; many cost a logarithmic number of counts.
fn page_is_cheap(seen: &Seen, span: Span, offset: i64, limit: i64, count: Count) -> Checked {
    let take = limit as usize + 1;
    let late = |instant: &Instant| {
        let late = logical(instant, span).into_iter().filter(|placed| !placed.from_archive);
        late.filter(|placed| Some(placed.row.key) < instant.mark.cold_watermark).count()
    };
    let late = seen.instants.iter().map(late).max().unwrap_or(0);
    // Above this many, only late rows of the page are read.
    let along =
        if seen.disturbed { late.min(LATE_AT_ONCE) } else { late * usize::from(late <= LATE_AT_ONCE) };
    prop_assert!(seen.hot.iter().all(|rows| *rows <= take.max(along)), "hot rows: {:?}", seen);
    prop_assert!(seen.cold.iter().all(|rows| *rows <= take + along), "cold rows: {:?}", seen);
    if seen.disturbed || seen.refused {
        return Ok(());
    }
    // Past the end of a list that lies in cold alone, its length tells whether there are rows above.
    let instant = &seen.instants[0];
    let past_the_end = logical(instant, span).len() as i64 <= offset && hot_from(instant, span) == 0;
    let total = usize::from(count != Count::None || past_the_end);
    let one_tier = hot_alone(&seen.instants[0], span, Order::Desc, offset + limit);
    let steps = late.next_power_of_two().trailing_zeros() as usize + 1;
    let newer = seen.instants[0].hot.iter();
    let newer =
        newer.filter(|row| row.key < span.upper && Some(row.key) >= seen.instants[0].mark.cold_watermark);
    if late > LATE_AT_ONCE && !one_tier && offset > newer.count() as i64 && count == Count::None {
        prop_assert!(seen.cold_counts > 0, "not bisected: {:?}", seen);
    }
    let (hot, cold, counts) = match late {
        _ if one_tier => (1, 0, total),
        0 => (1, 1, total),
        1..=LATE_AT_ONCE => (3, 1, total),
        _ => (3 + steps, 1, total + steps),
    };
    prop_assert!(seen.hot.len() <= hot && seen.cold.len() <= cold, "calls: {:?}", seen);
    prop_assert!(seen.cold_counts <= counts, "counts: {:?}", seen);
    Ok(())
}
