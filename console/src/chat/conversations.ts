import { useInfiniteQuery, type InfiniteData, type QueryClient } from '@tanstack/react-query';
import type { Conversation, ConversationPage, Message } from '../api/client';
import { useClient } from '../api/server';

const KEY = ['conversations'];
const PER_PAGE = 50;

type Data = InfiniteData<ConversationPage, string | null>;

/** The caller's conversations, most recently active first. */
export function useConversations() {
    const client = useClient();
    return useInfiniteQuery({
        queryKey: KEY,
        initialPageParam: null as string | null,
        queryFn: ({ pageParam, signal }) => client.conversations({ limit: PER_PAGE, before: pageParam }, { signal }),
        getNextPageParam: (last) => (last.has_more ? last.next : undefined),
    });
}

/** Returns the conversations of all pages. One that became active while they were read may be on two. */
export function conversationsOf(data: { pages: ConversationPage[] } | undefined): Conversation[] {
    const byId = new Map<number, Conversation>();
    for (const conversation of data?.pages.flatMap((page) => page.conversations) ?? []) {
        if (!byId.has(conversation.id)) byId.set(conversation.id, conversation);
    }
    return [...byId.values()].sort((a, b) => (a.updated_at < b.updated_at ? 1 : a.updated_at > b.updated_at ? -1 : b.id - a.id));
}

/** Notes a changed message in the list of conversations. The count of unread ones is the server's. */
export function noteMessage(queries: QueryClient, message: Message) {
    let isKnown = false;
    queries.setQueryData<Data>(KEY, (data) => data && {
        ...data,
        pages: data.pages.map((page) => ({
            ...page,
            conversations: page.conversations.map((conversation) => {
                if (conversation.id !== message.conversation_id) return conversation;
                isKnown = true;
                return withMessage(conversation, message);
            }),
        })),
    });
    if (!isKnown) void queries.invalidateQueries({ queryKey: KEY });
}

function withMessage(conversation: Conversation, message: Message): Conversation {
    const last = conversation.last_message;
    const isNewest = !last || last.id === message.id || last.created_at <= message.created_at;
    if (!isNewest) return conversation;
    const updated_at = message.created_at > conversation.updated_at ? message.created_at : conversation.updated_at;
    return { ...conversation, updated_at, last_message: message };
}

export function readAnew(queries: QueryClient) {
    void queries.invalidateQueries({ queryKey: KEY });
}
