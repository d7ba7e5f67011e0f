//! The routes of posts and their comments. Any valid token may read them.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::comments::{Comment, Comments};
use super::{Post, Posts};
use crate::web::auth::Caller;
use crate::web::context::RequestContext;
use crate::web::list::{self, ListParameters, ListRequest, PageInfo, Shown};
use crate::web::params::{Segments, path_id};
use crate::web::problem::Problem;
use crate::web::state::App;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(page)).routes(routes!(one)).routes(routes!(comments))
}

/// A page of posts.
#[derive(Debug, Serialize, ToSchema)]
struct PostPage {
    /// Always true; for existing front ends.
    success: bool,
    /// Newest first.
    posts: Vec<Shown<Post>>,
    #[serde(flatten)]
    page: PageInfo,
}

/// One post.
#[derive(Debug, Serialize, ToSchema)]
struct OnePost {
    /// Always true; for existing front ends.
    success: bool,
    post: Shown<Post>,
}

/// A page of comments.
#[derive(Debug, Serialize, ToSchema)]
struct CommentPage {
    /// Always true; for existing front ends.
    success: bool,
    /// Newest first.
    comments: Vec<Shown<Comment>>,
    #[serde(flatten)]
    page: PageInfo,
}

/// A page of posts, newest first, each with its numbers of comments and likes.
#[utoipa::path(get, path = "/api/posts", operation_id = "list_posts", tag = "posts",
    params(("author_id" = Option<i64>, Query, minimum = 1, description = "Only the posts of this user."), ListParameters),
    responses((status = 200, body = PostPage), (status = "4XX", description = "A problem.")))]
async fn page(_caller: Caller, State(app): State<App>, context: RequestContext) -> Result<Response, Problem> {
    let known: Vec<&str> = list::PARAMETERS.into_iter().chain(["author_id"]).collect();
    let params = context.params(&known)?;
    let posts = Posts { author: params.integer("author_id", 1..=i64::MAX)? };
    let request = ListRequest::read(&posts, &params)?;
    let body = |posts, page| PostPage { success: true, posts, page };
    request.respond(&app, &posts, &context, "post", body).await
}

/// One post.
#[utoipa::path(get, path = "/api/posts/{id}", operation_id = "get_post", tag = "posts",
    params(("id" = i64, Path, description = "The post.")),
    responses((status = 200, body = OnePost), (status = "4XX", description = "A problem.")))]
async fn one(
    _caller: Caller,
    State(app): State<App>,
    Segments(id): Segments<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let id = path_id("id", &id)?;
    context.params(&[])?;
    let found = app.reader().tiers(false).find(&Posts { author: None }, id).await?;
    let post = found.ok_or(Problem::NotFound { what: "post" })?.into();
    Ok(context.json(&OnePost { success: true, post }))
}

/// A page of a post's comments, newest first.
#[utoipa::path(get, path = "/api/posts/{id}/comments", operation_id = "list_comments", tag = "posts",
    params(("id" = i64, Path, description = "The post."), ListParameters),
    responses((status = 200, body = CommentPage), (status = "4XX", description = "A problem.")))]
async fn comments(
    _caller: Caller,
    State(app): State<App>,
    Segments(id): Segments<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let post = path_id("id", &id)?;
    let comments = Comments { post };
    let request = ListRequest::read(&comments, &context.params(&list::PARAMETERS)?)?;
    let listing = request.run(app.reader(), &comments).await?;
    // Where there are comments there is a post; only their absence leaves it open.
    if listing.as_ref().is_none_or(|listing| listing.rows.is_empty())
        && app.reader().tiers(false).find(&Posts { author: None }, post).await?.is_none()
    {
        return Err(Problem::NotFound { what: "post" });
    }
    let listing = listing.ok_or(Problem::NotFound { what: "comment" })?;
    let body = |comments, page| CommentPage { success: true, comments, page };
    Ok(request.show(listing, &context, body))
}
