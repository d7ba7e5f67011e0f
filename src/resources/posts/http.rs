//! The routes of posts and their comments. Any valid token may read them.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::comments::{Comment, Comments};
use super::{Post, Posts};
use crate::web::auth::{Caller, Scope};
use crate::web::context::RequestContext;
use crate::web::list::{self, ListParameters, ListRequest, Listing, PageInfo, Shown};
use crate::web::params::{Params, Segments, path_id};
use crate::web::problem::Problem;
use crate::web::state::App;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(page)).routes(routes!(one)).routes(routes!(comments))
}

/// A page of posts.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostPage {
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

/// A post and a page of its comments.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostWithComments {
    /// Always true; for existing front ends.
    success: bool,
    post: Shown<Post>,
    /// Newest first.
    comments: Vec<Shown<Comment>>,
    #[serde(flatten)]
    page: PageInfo,
}

impl From<Listing<Post>> for PostPage {
    fn from(listing: Listing<Post>) -> Self {
        Self { success: true, posts: listing.rows, page: listing.info }
    }
}

impl From<Listing<Comment>> for CommentPage {
    fn from(listing: Listing<Comment>) -> Self {
        Self { success: true, comments: listing.rows, page: listing.info }
    }
}

/// Reads a page of posts.
pub async fn read(
    app: &App,
    caller: &Caller,
    params: &Params,
) -> Result<(ListRequest, Listing<Post>), Problem> {
    let posts = Posts { author: params.integer("author_id", 1..=i64::MAX)? };
    let request = ListRequest::read(&posts, params)?;
    caller.require(Scope::Posts)?;
    let listing = request.read_from(app, &posts, "post").await?;
    Ok((request, listing))
}

/// Reads a post.
async fn read_one(app: &App, caller: &Caller, id: i64) -> Result<Shown<Post>, Problem> {
    caller.require(Scope::Posts)?;
    let found = app.reader().tiers(false).find(&Posts { author: None }, id).await?;
    Ok(found.ok_or(Problem::NotFound { what: "post" })?.into())
}

/// Reads a page of a post's comments; 404 where the post is not there.
async fn read_comments(
    app: &App,
    caller: &Caller,
    post: i64,
    params: &Params,
) -> Result<(ListRequest, Listing<Comment>), Problem> {
    let comments = Comments { post };
    let request = ListRequest::read(&comments, params)?;
    caller.require(Scope::Posts)?;
    let listing = request.find_in(app, &comments).await?;
    // Where there are comments there is a post; only their absence leaves it open.
    if listing.as_ref().is_none_or(|listing| listing.rows.is_empty()) {
        read_one(app, caller, post).await?;
    }
    Ok((request, listing.ok_or(Problem::NotFound { what: "comment" })?))
}

/// Reads a post and a page of its comments.
pub async fn read_with_comments(
    app: &App,
    caller: &Caller,
    id: i64,
    params: &Params,
) -> Result<PostWithComments, Problem> {
    let post = read_one(app, caller, id).await?;
    let (_, Listing { rows, info, .. }) = read_comments(app, caller, id, params).await?;
    Ok(PostWithComments { success: true, post, comments: rows, page: info })
}

/// A page of posts, newest first, each with its numbers of comments and likes.
#[utoipa::path(get, path = "/api/posts", operation_id = "list_posts", tag = "posts",
    params(("author_id" = Option<i64>, Query, minimum = 1, maximum = 9_223_372_036_854_775_807i64,
            description = "Only the posts of this user."), ListParameters),
    responses((status = 200, body = PostPage)))]
async fn page(caller: Caller, State(app): State<App>, context: RequestContext) -> Result<Response, Problem> {
    let known: Vec<&str> = list::PARAMETERS.into_iter().chain(["author_id"]).collect();
    let params = context.params(&known)?;
    let (request, listing) = read(&app, &caller, &params).await?;
    Ok(request.show(listing, &context, PostPage::from))
}

/// One post.
#[utoipa::path(get, path = "/api/posts/{id}", operation_id = "get_post", tag = "posts",
    params(("id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807i64, example = 1, description = "The post.")),
    responses((status = 200, body = OnePost)))]
async fn one(
    caller: Caller,
    State(app): State<App>,
    Segments(id): Segments<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let id = path_id("id", &id)?;
    context.params(&[])?;
    let post = read_one(&app, &caller, id).await?;
    Ok(context.json(&OnePost { success: true, post }))
}

/// A page of a post's comments, newest first.
#[utoipa::path(get, path = "/api/posts/{id}/comments", operation_id = "list_comments", tag = "posts",
    params(("id" = i64, Path, minimum = 1, maximum = 9_223_372_036_854_775_807i64, example = 1, description = "The post."), ListParameters),
    responses((status = 200, body = CommentPage)))]
async fn comments(
    caller: Caller,
    State(app): State<App>,
    Segments(id): Segments<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    let post = path_id("id", &id)?;
    let (request, listing) = read_comments(&app, &caller, post, &context.params(&list::PARAMETERS)?).await?;
    Ok(request.show(listing, &context, CommentPage::from))
}
