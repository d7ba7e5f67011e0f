"""The async client. The sync one, `_sync.py`, is written from this file by scripts/generate.py."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, cast

import httpx

from thermocline import _requests as requests
from thermocline._frames import several_prices_frame, single_prices_frame
from thermocline._lines import Lines
from thermocline._requests import (
    AsyncTokenSource,
    Day,
    Direction,
    PageT,
    Request,
    RowT,
    Time,
    Walk,
)
from thermocline._waiting import PATIENCE, Waiting
from thermocline.changes import Change, Feed, Known, Reset
from thermocline.errors import ChangesExpiredError, ConnectionFailedError, ThermoclineError, problem_error
from thermocline.schema import (
    Comment,
    CommentPage,
    Conversation,
    ConversationOrder,
    ConversationPage,
    CountMode,
    LatestPrices,
    Message,
    MessageChanges,
    MessagePage,
    Post,
    PostPage,
    PriceColumnRange,
    PriceInterval,
    PriceRange,
    PriceRow,
    SeveralColumnRanges,
    SeveralRanges,
    SortOrder,
    Stock,
    StockPage,
    User,
    UserBehavior,
)

if TYPE_CHECKING:
    from pandas import DataFrame

SILENCE = 45.0
"""Seconds without a sign of life after which a stream counts as lost. The server sends one every 15 seconds."""


class AsyncRows(Generic[RowT, PageT]):
    """The rows of a list, read page by page as they are needed.

    To older rows they come newest first, to newer ones oldest first. Each loop is a walk of its own, and no row comes twice
    while rows are added or moved.
    """

    def __init__(self, client: "AsyncThermocline", walk: Walk[RowT, PageT]) -> None:
        self._client = client
        self._walk = walk

    async def __aiter__(self) -> AsyncIterator[RowT]:
        """Yields the rows."""
        async for page in self.pages():
            for row in self._walk.rows(page):
                yield row

    async def pages(self) -> AsyncIterator[PageT]:
        """Yields the pages as the server gives them, each with its rows newest first."""
        request: Request | None = self._walk.first()
        while request is not None:
            page = cast(PageT, await self._client._json(request))
            yield page
            request = self._walk.following(page)


class AsyncThermocline:
    """A client of one server."""

    def __init__(
        self,
        url: str,
        token: str | AsyncTokenSource | None = None,
        *,
        retries: int = 2,
        timeout: float = 60.0,
        http: httpx.AsyncClient | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        """Makes a client.

        `token` is the bearer token, or a function that gives one. A request is repeated `retries` times after a failure that
        may pass. `timeout` is in seconds, for each step of a request. `http` is used instead of a client of its own.
        """
        self._url = url.rstrip("/")
        self._source = token
        self._retries = retries
        self._timeout = timeout
        self._http = http or httpx.AsyncClient()
        self._waiting = waiting or Waiting()

    async def __aenter__(self) -> "AsyncThermocline":
        """Returns itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the client."""
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    # Conversations and messages

    def conversations(
        self,
        *,
        direction: Direction = "older",
        cursor: str | None = None,
        from_: Time | None = None,
        to: Time | None = None,
        limit: int = 100,
        partial: bool = False,
        order: ConversationOrder | None = None,
    ) -> AsyncRows[Conversation, ConversationPage]:
        """The caller's conversations, most recently active first.

        With `order="begun"` by when they began, which does not change while the list is walked.
        """
        base = Request.of("/api/conversations", from_=from_, to=to, limit=limit, partial=_partial(partial), order=order)
        return AsyncRows(self, Walk("conversations", base, direction, cursor))

    async def conversation_page(self, **parameters: Any) -> ConversationPage:
        """A page of the caller's conversations; the parameters are those of the API."""
        return cast(ConversationPage, await self.get("/api/conversations", **parameters))

    def messages(
        self,
        conversation: int,
        *,
        direction: Direction = "older",
        cursor: str | None = None,
        from_: Time | None = None,
        to: Time | None = None,
        limit: int = 100,
        partial: bool = False,
    ) -> AsyncRows[Message, MessagePage]:
        """The messages of a conversation.

        `cursor` is `next` of a page for `older`, `prev` for `newer`; without one the walk begins at the newest or the oldest
        row. With `partial` it ends where the archive begins while that cannot be reached; the page is marked so.
        """
        base = Request.of(requests.messages_of(conversation), from_=from_, to=to, limit=limit, partial=_partial(partial))
        return AsyncRows(self, Walk("messages", base, direction, cursor))

    async def message_page(
        self,
        conversation: int,
        *,
        page: int | None = None,
        per_page: int | None = None,
        offset: int | None = None,
        limit: int | None = None,
        before: str | None = None,
        after: str | None = None,
        around: int | None = None,
        at: Time | None = None,
        from_: Time | None = None,
        to: Time | None = None,
        as_of: str | None = None,
        count: CountMode | None = None,
        partial: bool = False,
    ) -> MessagePage:
        """A page of messages: by number, by rows, by cursor, or around a row or a time."""
        request = Request.of(
            requests.messages_of(conversation),
            page=page,
            per_page=per_page,
            offset=offset,
            limit=limit,
            before=before,
            after=after,
            around=around,
            at=at,
            from_=from_,
            to=to,
            as_of=as_of,
            count=count,
            partial=_partial(partial),
        )
        return cast(MessagePage, await self._json(request))

    async def message(self, conversation: int, message: int) -> Message:
        """One message."""
        answer = await self.get(f"{requests.messages_of(conversation)}/{message:d}")
        return cast(Message, answer["message"])

    def search(
        self,
        conversation: int,
        text: str,
        *,
        cursor: str | None = None,
        limit: int = 100,
        partial: bool = False,
    ) -> AsyncRows[Message, MessagePage]:
        """The messages that contain `text`, found literally, newest first."""
        path = f"{requests.messages_of(conversation)}/search"
        base = Request.of(path, q=text, limit=limit, partial=_partial(partial))
        return AsyncRows(self, Walk("messages", base, "older", cursor))

    # Changes

    async def changes(
        self,
        conversation: int | None = None,
        *,
        since: str | None = None,
        known: Iterable[Message] = (),
        silence: float = SILENCE,
    ) -> AsyncGenerator[Change, None]:
        """Yields the messages that are new, changed or erased: of one conversation, or of all that the caller is part of.

        The stream is opened again after every break and goes on after the last change. `since` is `changes` of a page or
        the token of a change; without it the feed begins now. Rows in `known` are not repeated as they are. Raises
        `ChangesExpiredError` when changes may have been missed: read the list anew.
        """
        feed = Feed(self._waiting, since, Known(known))
        path = requests.changes_of(conversation)
        while True:
            failure: ThermoclineError | None = None
            try:
                if feed.token is None:
                    # A stream that breaks before its first event could not be resumed without a token.
                    feed.token = (await self.change_page(conversation))["next"]
                headers = {"Accept": "text/event-stream", "Last-Event-ID": feed.token}
                async with self._open(Request.of(path), headers, silence) as response:
                    feed.opened()
                    async for data in response.aiter_bytes():
                        for change in feed.add(data):
                            yield change
            except ThermoclineError as error:
                failure = error
            await self._waiting.sleep_async(feed.broken(failure))

    async def change_page(
        self, conversation: int | None = None, *, since: str | None = None, limit: int | None = None
    ) -> MessageChanges:
        """Some changes in one answer, for callers that poll. Without `since`: no rows, and the token of now."""
        request = Request.of(requests.changes_of(conversation), since=since, limit=limit)
        return cast(MessageChanges, await self._json(request))

    async def live(self, conversation: int, *, limit: int = 100) -> AsyncGenerator[Reset | Change, None]:
        """Yields the newest page of a conversation, then its changes; the page again when changes may have been missed."""
        while True:
            page = await self._newest_page(conversation, limit)
            yield Reset(page)
            since = page.get("changes")
            try:
                async for change in self.changes(conversation, since=since, known=page["messages"]):
                    yield change
            except ChangesExpiredError:
                continue

    async def _newest_page(self, conversation: int, limit: int) -> MessagePage:
        """Reads the newest page, also while there is no connection."""
        for failure in count():
            try:
                return await self.message_page(conversation, limit=limit)
            except ThermoclineError as error:
                if not error.temporary:
                    raise
                await self._waiting.sleep_async(self._waiting.after(failure, error.retry_after))
        raise AssertionError("unreachable")

    # Posts and users

    def posts(
        self,
        *,
        author_id: int | None = None,
        direction: Direction = "older",
        cursor: str | None = None,
        from_: Time | None = None,
        to: Time | None = None,
        limit: int = 100,
        partial: bool = False,
    ) -> AsyncRows[Post, PostPage]:
        """Posts, of one author if one is named."""
        base = Request.of("/api/posts", author_id=author_id, from_=from_, to=to, limit=limit, partial=_partial(partial))
        return AsyncRows(self, Walk("posts", base, direction, cursor))

    async def post_page(self, **parameters: Any) -> PostPage:
        """A page of posts; the parameters are those of the API."""
        return cast(PostPage, await self.get("/api/posts", **parameters))

    async def post(self, post: int) -> Post:
        """One post."""
        return cast(Post, (await self.get(f"/api/posts/{post:d}"))["post"])

    def comments(
        self,
        post: int,
        *,
        direction: Direction = "older",
        cursor: str | None = None,
        from_: Time | None = None,
        to: Time | None = None,
        limit: int = 100,
        partial: bool = False,
    ) -> AsyncRows[Comment, CommentPage]:
        """The comments of a post."""
        base = Request.of(f"/api/posts/{post:d}/comments", from_=from_, to=to, limit=limit, partial=_partial(partial))
        return AsyncRows(self, Walk("comments", base, direction, cursor))

    async def users(self, ids: Iterable[int]) -> list[User]:
        """The users with these ids, in this order, without those that do not exist."""
        distinct = list(dict.fromkeys(ids))
        users: list[User] = []
        for first in range(0, len(distinct), 100):
            some = ",".join(str(one) for one in distinct[first : first + 100])
            users.extend((await self.get("/api/users", ids=some))["users"])
        return users

    async def behavior(self, user: int, *, from_: Day | None = None, to: Day | None = None) -> UserBehavior:
        """The activity of a user by day and action."""
        request = Request.of(f"/api/users/{user:d}/behavior", from_=from_, to=to)
        return cast(UserBehavior, await self._json(request))

    # Stocks and prices

    async def stocks(self, q: str | None = None) -> AsyncIterator[Stock]:
        """Yields stocks by symbol, those whose symbol or name contains `q` if it is given."""
        for page in count(1):
            answer = await self.stock_page(q=q, page=page, per_page=100)
            for stock in answer["stocks"]:
                yield stock
            if not answer["has_more"]:
                return

    async def stock_page(self, **parameters: Any) -> StockPage:
        """A page of stocks; the parameters are those of the API."""
        return cast(StockPage, await self.get("/api/stocks", **parameters))

    async def prices(
        self,
        stock: str | int,
        *,
        start_date: Day | None = None,
        end_date: Day | None = None,
        order: SortOrder | None = None,
        interval: PriceInterval | None = None,
        limit: int | None = None,
        partial: bool = False,
    ) -> PriceRange:
        """A range of prices, one dictionary a row. `stock` is a symbol, or an id as an int."""
        range_ = _range(start_date, end_date, order, interval, limit, partial)
        return cast(PriceRange, await self.get(requests.prices_of(stock), **range_))

    async def price_columns(
        self,
        stock: str | int,
        *,
        start_date: Day | None = None,
        end_date: Day | None = None,
        order: SortOrder | None = None,
        interval: PriceInterval | None = None,
        limit: int | None = None,
        partial: bool = False,
    ) -> PriceColumnRange:
        """A range of prices, one list a field."""
        range_ = _range(start_date, end_date, order, interval, limit, partial)
        return cast(PriceColumnRange, await self.get(f"{requests.prices_of(stock)}/columns", **range_))

    async def prices_of(
        self,
        symbols: Iterable[str],
        *,
        start_date: Day | None = None,
        end_date: Day | None = None,
        order: SortOrder | None = None,
        interval: PriceInterval | None = None,
        limit: int | None = None,
        partial: bool = False,
    ) -> SeveralRanges:
        """The same range of several stocks, 50 at most, each complete or not on its own."""
        range_ = _range(start_date, end_date, order, interval, limit, partial)
        answer = await self.get("/api/stocks/prices", symbols=requests.symbols_of(symbols), **range_)
        return cast(SeveralRanges, answer)

    async def price_columns_of(
        self,
        symbols: Iterable[str],
        *,
        start_date: Day | None = None,
        end_date: Day | None = None,
        order: SortOrder | None = None,
        interval: PriceInterval | None = None,
        limit: int | None = None,
        partial: bool = False,
    ) -> SeveralColumnRanges:
        """The same range of several stocks, one list a field."""
        range_ = _range(start_date, end_date, order, interval, limit, partial)
        answer = await self.get("/api/stocks/prices/columns", symbols=requests.symbols_of(symbols), **range_)
        return cast(SeveralColumnRanges, answer)

    async def price_frame(
        self,
        stock: str | int | list[str],
        *,
        start_date: Day | None = None,
        end_date: Day | None = None,
        interval: PriceInterval | None = None,
        limit: int | None = None,
    ) -> "DataFrame":
        """A range of prices as a frame of pandas, oldest first, indexed by trading day.

        A list of symbols gives one frame indexed by symbol and day; it raises `KeyError` for symbols that no stock has.
        Unknown prices are missing values. Needs the extra `pandas`.
        """
        range_ = _range(start_date, end_date, "asc", interval, limit, False)
        if isinstance(stock, list):
            path = "/api/stocks/prices/columns"
            several = await self.get(path, symbols=requests.symbols_of(stock), **range_)
            return several_prices_frame(cast(SeveralColumnRanges, several))
        answer = await self.get(f"{requests.prices_of(stock)}/columns", **range_)
        return single_prices_frame(cast(PriceColumnRange, answer))

    async def price_stream(
        self,
        stock: str | int,
        *,
        start_date: Day | None = None,
        end_date: Day | None = None,
        order: SortOrder | None = None,
        interval: PriceInterval | None = None,
        limit: int | None = None,
        partial: bool = False,
    ) -> AsyncGenerator[PriceRow, None]:
        """Yields prices row by row as the server reads them. Raises `ConnectionFailedError` if the stream breaks off."""
        range_ = _range(start_date, end_date, order, interval, limit, partial)
        request = Request.of(f"{requests.prices_of(stock)}/ndjson", **range_)
        lines = Lines()
        async with self._open(request, {"Accept": "application/x-ndjson"}, self._timeout) as response:
            async for data in response.aiter_bytes():
                for line in lines.add(data):
                    yield json.loads(line)
            for line in lines.end():
                yield json.loads(line)

    async def latest_prices(self, symbols: Iterable[str]) -> LatestPrices:
        """The newest day of each stock that has a close, and the close before it."""
        answer = await self.get("/api/stocks/prices/latest", symbols=requests.symbols_of(symbols))
        return cast(LatestPrices, answer)

    # The service

    async def get(self, path: str, **parameters: Any) -> Any:
        """The answer of any path that answers with JSON. `from_` stands for the parameter `from`."""
        return await self._json(Request.of(path, **parameters))

    async def _json(self, request: Request) -> Any:
        """Asks for JSON, and again after failures that may pass."""
        for failure in count():
            try:
                async with self._open(request, {"Accept": "application/json"}, self._timeout) as response:
                    return _parsed(await response.aread(), request)
            except ThermoclineError as error:
                if not error.temporary or failure >= self._retries or (error.retry_after or 0) > PATIENCE:
                    raise
                await self._waiting.sleep_async(self._waiting.after(failure, error.retry_after))
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def _open(self, request: Request, headers: dict[str, str], silence: float) -> AsyncIterator[httpx.Response]:
        """Sends a request and gives the answer once its headers are there. Not repeated after a failure."""
        try:
            token = await self._token(None)
            response = await self._send(request, headers, silence, token)
            if response.status_code == 401 and callable(self._source):
                other = await self._token(token)
                if other != token:
                    await response.aclose()
                    response = await self._send(request, headers, silence, other)
            try:
                if not response.is_success:
                    body = await response.aread()
                    retry_after = response.headers.get("Retry-After")
                    raise problem_error(response.status_code, response.reason_phrase, body, retry_after)
                yield response
            finally:
                await response.aclose()
        except httpx.RequestError as error:
            raise ConnectionFailedError(f"{request.path}: {error or type(error).__name__}") from error

    async def _send(self, request: Request, headers: dict[str, str], silence: float, token: str | None) -> httpx.Response:
        authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        built = self._http.build_request(
            "GET",
            self._url + request.path,
            params=dict(request.params),
            headers={**headers, **authorization},
            timeout=httpx.Timeout(self._timeout, read=silence),
        )
        return await self._http.send(built, stream=True)

    async def _token(self, refused: str | None) -> str | None:
        return await self._source(refused) if callable(self._source) else self._source


def _parsed(body: bytes, request: Request) -> Any:
    """The value of a body. One that is not JSON is no answer of this API, whatever its status."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise ConnectionFailedError(f"{request.path}: the answer is not JSON") from error


def _partial(partial: bool) -> str | None:
    return "allow" if partial else None


def _range(
    start_date: Day | None,
    end_date: Day | None,
    order: SortOrder | None,
    interval: PriceInterval | None,
    limit: int | None,
    partial: bool,
) -> dict[str, Any]:
    return {
        "start_date": start_date,
        "end_date": end_date,
        "order": order,
        "interval": interval,
        "limit": limit,
        "partial": _partial(partial),
    }
