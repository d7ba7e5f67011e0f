//! The tokens of widespread issuers, and of users who are found by name.

use serde_json::{Value, json};

use super::{NOW, SECRET, at, hs256, settings};
use crate::clock::Clock;
use crate::web::auth::{Caller, ClaimSettings, Identity, Refusal, Scope, TokenUser, UserLookup, Verifier};

fn verifier(claims: ClaimSettings) -> Verifier {
    Verifier::new(settings(SECRET), Clock::fixed(at(NOW))).expect("a good secret").reading(claims)
}

fn verify(settings: &ClaimSettings, mut claims: Value) -> Result<Identity, Refusal> {
    claims["exp"] = json!(NOW + 60);
    verifier(settings.clone()).verify(&hs256(&claims))
}

/// Returns which of the three kinds of rows the token may read.
fn readable(identity: &Identity) -> [bool; 3] {
    let caller = Caller { user_id: 1, admin: identity.admin, restriction: identity.restriction };
    [Scope::Messages, Scope::Posts, Scope::Prices].map(|scope| caller.require(scope).is_ok())
}

#[test]
fn a_token_of_keycloak_names_user_and_roles() {
    let settings = ClaimSettings {
        user: Some("preferred_username".to_owned()),
        lookup: UserLookup::Username,
        scope: Some("realm_access.roles".to_owned()),
        admin: Some("chat-admin".to_owned()),
    };
    let claims = |roles: Value| {
        json!({
            "sub": "9b2c7d1e-8f3a-4c5d-9e6f-5f6a7b8c9d0e", "typ": "Bearer", "azp": "chat", "preferred_username": "mei",
            "realm_access": {"roles": roles}, "resource_access": {"account": {"roles": ["chat-admin"]}},
            "scope": "openid chat-admin"
        })
    };
    let plain = verify(&settings, claims(json!(["offline_access"]))).expect("genuine");
    assert_eq!(plain.user, TokenUser::Named(UserLookup::Username, "mei".to_owned()));
    assert_eq!((plain.admin, readable(&plain)), (false, [true; 3]));
    let admin = verify(&settings, claims(json!(["offline_access", "chat-admin"]))).expect("genuine");
    assert!(admin.admin);
    let of_client = ClaimSettings { scope: Some("resource_access.account.roles".to_owned()), ..settings };
    assert!(verify(&of_client, claims(json!([]))).expect("genuine").admin);
}

#[test]
fn a_token_of_auth0_has_claims_whose_names_hold_dots() {
    let settings = ClaimSettings {
        user: Some("https://chat.example.org/user_id".to_owned()),
        scope: Some("permissions".to_owned()),
        ..ClaimSettings::default()
    };
    let claims = json!({
        "iss": "https://tenant.eu.auth0.com/", "sub": "auth0|64f1c2", "aud": ["https://chat.example.org"],
        "https://chat.example.org/user_id": 42, "https://chat.example.org/app": {"user.id": "43"},
        "scope": "openid admin", "permissions": ["messages:read", "prices:read"]
    });
    let found = verify(&settings, claims.clone()).expect("genuine");
    assert_eq!((found.user.clone(), found.admin), (TokenUser::Id(42), false));
    assert_eq!(readable(&found), [true, false, true]);
    let nested = ClaimSettings { user: Some("https://chat.example.org/app.user.id".to_owned()), ..settings };
    assert_eq!(verify(&nested, claims.clone()).expect("genuine").user, TokenUser::Id(43));
    assert_eq!(verify(&ClaimSettings::default(), claims).err(), Some(Refusal::User), "sub is no id");
}

#[test]
fn a_token_of_entra_names_an_address() {
    let settings = ClaimSettings {
        user: Some("email".to_owned()),
        lookup: UserLookup::Email,
        scope: Some("scp".to_owned()),
        admin: None,
    };
    let claims = |verified: Value| {
        json!({
            "ver": "2.0", "oid": "00000000-0000-0000-66f3-3332eca7ea81", "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
            "email": "mei@example.org", "scp": "posts:read admin", "email_verified": verified
        })
    };
    let found = verify(&settings, claims(json!(null))).expect("genuine");
    assert_eq!(found.user, TokenUser::Named(UserLookup::Email, "mei@example.org".to_owned()));
    // An admin with a restricted token reads the rows of every user, of that kind.
    assert_eq!((found.admin, readable(&found)), (true, [false, true, false]));
    for unverified in [json!(false), json!("false")] {
        assert_eq!(verify(&settings, claims(unverified)).err(), Some(Refusal::UnverifiedEmail));
    }
    for nobody in
        [json!({"email": ""}), json!({"email": 7}), json!({"email": null}), json!({"sub": "mei@example.org"})]
    {
        assert_eq!(verify(&settings, nobody.clone()).err(), Some(Refusal::User), "{nobody}");
    }
}

#[test]
fn a_repeated_name_is_refused_at_any_depth() {
    let settings = ClaimSettings { scope: Some("realm_access.roles".to_owned()), ..ClaimSettings::default() };
    let payload =
        format!(r#"{{"sub":1,"exp":{},"realm_access":{{"roles":[],"roles":["admin"]}}}}"#, NOW + 60);
    let token = super::signed(super::HS256, &payload, SECRET);
    assert_eq!(verifier(settings).verify(&token).err(), Some(Refusal::MalformedClaims));
}

#[test]
fn an_issued_token_holds_its_claims_where_the_settings_look() {
    for (settings, user) in [
        (ClaimSettings::default(), "42"),
        (
            ClaimSettings {
                user: Some("https://chat.example.org/id".to_owned()),
                ..ClaimSettings::default()
            },
            "42",
        ),
        (
            ClaimSettings {
                user: Some("who.name".to_owned()),
                lookup: UserLookup::Username,
                scope: Some("realm_access.roles".to_owned()),
                admin: Some("ops".to_owned()),
            },
            "mei",
        ),
    ] {
        let verifier = verifier(settings.clone());
        let scope = settings.admin.as_deref().unwrap_or("admin");
        let token = verifier.issue_for(user, Some(scope), 60).expect("a token");
        let found = verifier.verify(&token).expect("its own token");
        let expected = match settings.lookup {
            UserLookup::Id => TokenUser::Id(42),
            column => TokenUser::Named(column, user.to_owned()),
        };
        assert_eq!((found.user, found.admin), (expected, true));
        assert!(verifier.issue_for("", None, 60).is_err());
    }
}
