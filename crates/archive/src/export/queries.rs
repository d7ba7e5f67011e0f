//! The statements of exports.

use crate::model::{Family, Selection};
use thermocline_core::clock::Timestamp;
use thermocline_database::Statement;

thermocline_database::queries! {
    pub(super) mod sql = "export" { Shared: "queries.sql" }
    [visible_of]
}

/// Returns every statement of this module as it is sent.
pub fn statements(families: &[&Family]) -> Vec<Statement> {
    let at = Timestamp::default();
    let mut all = Vec::new();
    for family in families {
        for selection in [Selection::All, Selection::Span(at, at)] {
            let page = selection.visible(family, ((0, 0), 0), 0, 0).0;
            all.extend([page, selection.visible_count(family, 0).0]);
        }
        all.extend(family.children().iter().map(|moved| moved.sql(sql::visible_of())));
    }
    all
}
