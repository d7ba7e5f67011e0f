//! The committed migrations.

use crate::schema::{COLD_POSTGRES, COLD_SQLITE, HOT_MSSQL, HOT_POSTGRES, HOT_SQLITE};
use crate::tier::migrate::{Step, statements};

const ALL: [&[Step]; 5] = [HOT_SQLITE, HOT_POSTGRES, HOT_MSSQL, COLD_SQLITE, COLD_POSTGRES];

#[test]
fn engines_of_a_tier_have_the_same_versions() {
    let names = |steps: &[Step]| steps.iter().map(Step::name).collect::<Vec<_>>();
    assert_eq!(names(HOT_SQLITE), names(HOT_POSTGRES));
    assert_eq!(names(HOT_SQLITE), names(HOT_MSSQL));
    assert_eq!(names(COLD_SQLITE), names(COLD_POSTGRES));
}

#[test]
fn versions_rise_and_names_carry_them() {
    for steps in ALL {
        for (place, step) in steps.iter().enumerate() {
            assert_eq!(step.version(), place as i64 + 1, "{}", step.name());
            assert!(step.name().starts_with(&format!("{:04}_", step.version())), "{}", step.name());
        }
    }
}

/// A migration that committed by itself could not be rolled back when it fails further down.
#[test]
fn migrations_hold_no_transaction_control() {
    for step in ALL.into_iter().flatten() {
        for text in [step.up(), step.down()] {
            let parts = statements(text);
            let first_words = parts.iter().filter_map(|part| part.text.split_whitespace().next());
            let first_words: Vec<String> = first_words.map(str::to_uppercase).collect();
            let is_comment = text.lines().all(|line| line.trim().is_empty() || line.starts_with("--"));
            assert_eq!(first_words.is_empty(), is_comment, "{}", step.name());
            for word in ["COMMIT", "ROLLBACK", "SAVEPOINT"] {
                assert!(!first_words.iter().any(|first| first == word), "{}: {word}", step.name());
            }
        }
    }
}
