# Commands for daily work. `just` lists them.

_list:
    @just --list --unsorted

# Format all code.
fmt:
    cargo fmt --all

# Check formatting and lints.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Run the fast tests (needs cargo-nextest): SQLite, and one shared PostgreSQL cluster. Many of them wait.
test *ARGS:
    cargo nextest run --test-threads $(( 2 * $(nproc) )) {{ARGS}}

# Run every test, with the command of the README.
test-all:
    $(sed -n 's/^\$ \(cargo test.*\)$/\1/p' README.md)

# Build the documentation of the code, and write docs/data-model.md from the declaration.
docs:
    cargo run --quiet -- db generate --docs > docs/data-model.md
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

# Write openapi/openapi.json from the routes.
openapi:
    cargo run --quiet -- openapi > openapi/openapi.json

# Generate the types of the client packages from openapi/openapi.json (needs Node.js and Python).
clients:
    npm --prefix clients/typescript ci
    npm --prefix clients/typescript run generate
    python3 clients/python/scripts/generate.py

# Check licences, sources, duplicate versions and advisories of the dependencies (needs cargo-deny).
deny:
    cargo deny --locked check

# Run every check that must pass before a change lands.
ci:
    scripts/ci
