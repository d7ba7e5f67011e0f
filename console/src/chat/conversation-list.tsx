import type { Conversation } from '../api/client';
import { useTranslation } from '../i18n';
import { hashOf } from '../router';
import { Failure, Loading } from '../ui/state';
import { Avatar } from './avatar';
import { conversationsOf, useConversations } from './conversations';
import type { Names } from './people';

interface Props {
    query: ReturnType<typeof useConversations>;
    names: Names;
    caller: number | null;
    chosen: number | null;
}

export function ConversationList({ query, names, caller, chosen }: Props) {
    const { t } = useTranslation();
    const conversations = conversationsOf(query.data);
    return (
        <nav className="conversations" aria-label={t('chat.conversations')}>
            <h2 className="pane-title">{t('chat.conversations')}</h2>
            {query.isPending && <Loading />}
            {query.isError && conversations.length === 0 && <Failure error={query.error} onRetry={() => void query.refetch()} />}
            {query.isSuccess && conversations.length === 0 && <p className="quiet padded">{t('chat.none')}</p>}
            <ul>
                {conversations.map((conversation) => (
                    <li key={conversation.id}>
                        <Row {...{ conversation, names, caller }} isChosen={conversation.id === chosen} />
                    </li>
                ))}
            </ul>
            {query.hasNextPage && (
                <button type="button" className="button wide" onClick={() => void query.fetchNextPage()} disabled={query.isFetchingNextPage}>
                    {t('chat.moreConversations')}
                </button>
            )}
        </nav>
    );
}

interface RowProps {
    conversation: Conversation;
    names: Names;
    caller: number | null;
    isChosen: boolean;
}

function Row({ conversation, names, caller, isChosen }: RowProps) {
    const { t, short } = useTranslation();
    const title = useTitle(conversation, names, caller);
    const { last_message: last, unread_count: unread } = conversation;
    return (
        <a className="conversation" href={hashOf('chat', conversation.id)} aria-current={isChosen ? 'true' : undefined}>
            <Avatar id={otherOf(conversation, caller)} name={title} />
            <span className="conversation-name">{title}</span>
            <time className="conversation-time" dateTime={conversation.updated_at}>{short(conversation.updated_at)}</time>
            <span className="conversation-last">
                {last ? (
                    <>
                        {last.sender_id === caller && <span className="you">{t('chat.you')}: </span>}
                        {last.content}
                    </>
                ) : (
                    t('chat.noMessages')
                )}
            </span>
            {unread > 0 && (
                <span className="badge">
                    <span aria-hidden="true">{unread > 999 ? '999+' : unread}</span>
                    <span className="unseen">{t('chat.unread', { n: unread })}</span>
                </span>
            )}
        </a>
    );
}

/** Returns the other side of a conversation; for a reader who is no part of it, the user who began it. */
export function otherOf({ user1_id, user2_id }: Conversation, caller: number | null): number | null {
    return user1_id === caller ? (user2_id ?? null) : user1_id;
}

export function useTitle(conversation: Conversation, names: Names, caller: number | null): string {
    const { t } = useTranslation();
    const name = (id: number) => names.get(id) ?? t('chat.deleted', { id: String(id) });
    const { id, user1_id, user2_id } = conversation;
    if (user1_id === 0) return t('chat.with', { id: String(id) });
    if (user1_id !== caller && user2_id !== caller && user2_id) return `${name(user1_id)}, ${name(user2_id)}`;
    const other = otherOf(conversation, caller);
    return other === null ? t('chat.alone') : name(other);
}
