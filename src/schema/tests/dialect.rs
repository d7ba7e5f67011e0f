//! What each engine is told reads back as what was declared.

use crate::schema::{Dialect, Model};
/// What is written is read as what was meant, as far as the engine tells.
#[test]
fn what_is_written_is_read_back() {
    for (tables, dialects) in [
        (&crate::schema::hot::TABLES[..], &Dialect::HOT[..]),
        (&crate::schema::cold::TABLES[..], &Dialect::COLD[..]),
    ] {
        for &dialect in dialects {
            for table in dialect.fold(&Model::of(tables)).tables {
                for column in &table.columns {
                    let mut name = dialect.type_name(&column.kind);
                    name = name.replace(" COLLATE \"C\"", "").replace(", ", ",");
                    name = name.replace("TIMESTAMPTZ", "timestamp with time zone");
                    assert_eq!(dialect.read_type(&name), column.kind, "{} {name}", column.name);
                    if let Some(value) = &column.default {
                        assert_eq!(dialect.read_default(&dialect.default_text(value)), *value);
                    }
                }
                for only in table.indexes.iter().filter_map(|index| index.only.as_ref()) {
                    assert_eq!(dialect.read_predicate(&dialect.predicate_text(only)), *only);
                }
            }
        }
    }
}
