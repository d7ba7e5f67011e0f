//! The documentation of the data model is generated from the declaration.

use thermocline::schema::docs;

#[test]
fn the_file_matches_the_declaration() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/data-model.md");
    let (kept, made) = (
        std::fs::read_to_string(file).unwrap_or_default(),
        docs::markdown(&thermocline::schema::HOT, &thermocline::schema::COLD),
    );
    let first = kept.lines().zip(made.lines()).find(|(kept, made)| kept != made);
    let command = "cargo run -- db generate --docs > docs/data-model.md";
    assert!(kept == made, "out of step, run: {command} (first at {first:?})");
}
