//! Signatures of counted blocks, the reading side: the parts of a cold list in which a text can be.
//!
//! A signature covers all open rows of its block. If it lacks a gram of the text, no open row of the block contains the text.
//! Rows that left the block later are not covered, but readers of an older epoch still see them: their blocks are always read, as
//! are blocks without a signature. The archive writes the signatures.

use super::templates::queries;
use thermocline_core::keyset::{Key, Order, Span};
use thermocline_core::signature::{PROBES, Probes};
use thermocline_database::{Engine, Fragment, Record, Statement, TierError, Value};

/// The parameter before those of the bits.
const BEFORE_PROBES: usize = 7;

/// The statements over one table of signatures, newest first and oldest first.
#[derive(Debug)]
pub(super) struct SignatureStatements([Statement; 2]);

/// The blocks that a statement looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// The spans in which the text can be, in the order asked for.
    pub spans: Vec<Span>,
    /// The span behind the last block; `None` if there is no further block.
    pub rest: Option<Span>,
    /// Whether the scope has no blocks at all.
    pub is_empty: bool,
}

/// The text that is searched for, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// The scope of the blocks.
    pub scope: i64,
    /// The epoch of the reader.
    pub epoch: i64,
    /// The bits that a text needs.
    pub probes: &'a Probes,
}

impl SignatureStatements {
    /// Assembles both with `assemble`, to which the template and the condition on the bits are given.
    pub fn new(assemble: impl Fn(&Statement, Order, Fragment) -> Statement) -> Self {
        let mut bits = Fragment::from("");
        for probe in 1..=PROBES {
            let and = if probe == 1 { "" } else { "\n            AND " };
            let parameter = format!("${}", BEFORE_PROBES + probe);
            let bit = Fragment::from(queries::gram_bit()).fill_all(&[("probe", parameter.into())]);
            bits = bits.then(&and.into()).then(&bit);
        }
        let of = |order| assemble(queries::blocks_matching(), order, bits.clone());
        Self([of(Order::Desc), of(Order::Asc)])
    }

    /// Returns the description of the parameters of the bits.
    pub fn parameters() -> String {
        let bits: Vec<String> = (1..=PROBES).map(|probe| format!("bit{probe} int")).collect();
        format!(", {}", bits.join(", "))
    }

    /// Returns every statement.
    pub fn all(&self) -> &[Statement] {
        &self.0
    }

    /// Looks at the next blocks of a span in an order, at most `blocks`.
    pub async fn window(
        &self,
        engine: &dyn Engine,
        wanted: Wanted<'_>,
        (span, order): (Span, Order),
        blocks: i64,
    ) -> Result<Window, TierError> {
        let Span { lower, upper } = span;
        let mut params: Vec<Value> = vec![
            wanted.scope.into(),
            wanted.epoch.into(),
            lower.at.into(),
            lower.id.into(),
            upper.at.into(),
            upper.id.into(),
            blocks.into(),
        ];
        params.extend(wanted.probes.iter().map(|probe| Value::from(*probe)));
        let records = engine.fetch(&self.0[order as usize], &params).await?;
        let blocks_of = records.iter().map(|record| block(record, blocks)).collect::<Result<Vec<_>, _>>()?;
        Ok(window(span, order, blocks_of))
    }
}

/// A block that was looked at.
#[derive(Clone, Copy, Debug)]
struct Looked {
    /// Its keys.
    span: Span,
    /// Whether the text can be in it.
    matches: bool,
    /// Whether it is the last of as many as the statement could look at, so that others may follow.
    is_last: bool,
}

fn block(record: &Record, blocks: i64) -> Result<Looked, TierError> {
    let upper = Key::new(record.time("upper_at")?, record.int("upper_id")?);
    let lower = record.key_or_null("lower_at", "lower_id")?;
    Ok(Looked {
        span: Span { lower: lower.map_or(Key::MIN, Key::successor), upper: upper.successor() },
        matches: record.bool("matches")?,
        is_last: record.int("place")? == blocks,
    })
}

/// Puts blocks together that lie side by side.
fn window(span: Span, order: Order, blocks: Vec<Looked>) -> Window {
    let mut window = Window { is_empty: blocks.is_empty(), ..Window::default() };
    for Looked { span: keys, matches, is_last } in blocks {
        if is_last {
            let rest = match order {
                Order::Desc => span.below(keys.lower),
                Order::Asc => span.from(keys.upper),
            };
            window.rest = Some(rest).filter(|rest| !rest.is_empty());
        }
        let keys = span.from(keys.lower).below(keys.upper);
        if !matches || keys.is_empty() {
            continue;
        }
        match (window.spans.last_mut(), order) {
            (Some(last), Order::Desc) if last.lower == keys.upper => last.lower = keys.lower,
            (Some(last), Order::Asc) if last.upper == keys.lower => last.upper = keys.upper,
            _ => window.spans.push(keys),
        }
    }
    window
}

#[cfg(test)]
mod tests {
    use super::*;
    use thermocline_core::clock::Timestamp;

    fn key(id: i64) -> Key {
        Key::new(Timestamp::default(), id)
    }

    fn span(lower: i64, upper: i64) -> Span {
        Span { lower: key(lower), upper: key(upper) }
    }

    fn looked(lower: i64, upper: i64, matches: bool, is_last: bool) -> Looked {
        Looked { span: span(lower, upper), matches, is_last }
    }

    #[test]
    fn neighbours_are_read_together_and_cut_at_the_ends() {
        let newest_first =
            vec![looked(30, 40, true, false), looked(20, 30, true, false), looked(0, 10, true, true)];
        let expected = Window { spans: vec![span(20, 35), span(5, 10)], rest: None, is_empty: false };
        assert_eq!(window(span(5, 35), Order::Desc, newest_first), expected);
        let oldest_first =
            vec![looked(0, 10, true, false), looked(10, 20, true, false), looked(20, 30, false, true)];
        let expected = Window { spans: vec![span(5, 20)], rest: Some(span(30, 35)), is_empty: false };
        assert_eq!(window(span(5, 35), Order::Asc, oldest_first), expected);
    }
}
