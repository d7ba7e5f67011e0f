//! The statements of what moves.

use super::family::Family;
use super::selection::{RestoreCursor, Selection};
use super::templates;
use thermocline_core::clock::Timestamp;
use thermocline_database::Statement;

/// Returns every statement of this module, and those that the families bring, as they are sent.
pub fn statements(families: &[&Family]) -> Vec<Statement> {
    let mut all = Vec::new();
    let at = Timestamp::default();
    for family in families {
        for due in [Some(&family.due), family.due_by_activity.as_ref()].into_iter().flatten() {
            all.extend([due.pick, due.count]);
        }
        all.extend(family.supersede.iter().flat_map(|supersede| [supersede.statement, supersede.in_hot]));
        for moved in &family.tables {
            all.extend([templates::brought(), templates::closed()].map(|template| moved.sql(template)));
        }
        for selection in [Selection::All, Selection::Batch(0), Selection::Span(at, at), Selection::Row(0)] {
            let pick = selection.pick(family, RestoreCursor::above(0), 0, 0).0;
            all.extend([pick, selection.count(family).0]);
        }
    }
    all
}
