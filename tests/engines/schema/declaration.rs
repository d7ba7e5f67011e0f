//! The migrations create what is declared, on every engine.

use thermocline::schema::emit::Plan;
use thermocline::schema::{Dialect, diff, emit};
use thermocline::tier::Tier;

use super::Database;

#[tokio::test]
async fn migrations_create_the_declared_schema() {
    let (migrated, made) = (Database::all().await, Database::all().await);
    for (migrated, made) in migrated.into_iter().zip(made) {
        let name = migrated.name();
        migrated.upgrade().await;
        made.apply(&emit::create(made.dialect, &made.declared()).text(made.dialect)).await;
        let (by_migrations, by_declaration) = (migrated.live().await, made.live().await);
        assert_eq!(by_migrations.model.lines(), by_declaration.model.lines(), "{name}");
        let columns = |live: &thermocline::schema::findings::Live| -> Vec<String> {
            live.model
                .tables
                .iter()
                .flat_map(|table| {
                    table.columns.iter().map(|column| format!("{}.{}", table.name, column.name))
                })
                .collect()
        };
        assert_eq!(columns(&by_migrations), columns(&by_declaration), "{name}: the order of columns");
        assert_eq!(by_migrations.triggers, [], "{name}");
        assert_eq!(by_migrations.inbound, [], "{name}");
        // The catalogs show what was declared.
        let declared = made.dialect.fold(&made.declared());
        assert_eq!(diff::diff(&by_declaration.model, &declared), [], "{name}");
        let engines = if made.engine.tier() == Tier::Hot { &Dialect::HOT[..] } else { &Dialect::COLD[..] };
        let plan = Plan::new(&by_declaration, &made.declared(), engines, None);
        assert!(plan.is_empty(), "{name}: {plan:?}");
        println!("on {name}: {} lines alike", by_declaration.model.lines().len());
        migrated.drop().await;
        made.drop().await;
    }
}
