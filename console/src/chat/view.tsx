import { useTranslation } from '../i18n';
import type { Route } from '../router';
import { session } from '../session/session';
import { Logo } from '../ui/icons';
import { Failure, Loading } from '../ui/state';
import { Conversation } from './conversation';
import { ConversationList } from './conversation-list';
import { conversationsOf, useConversations } from './conversations';
import type { FeedState } from './feed';
import { callerOf, namesOf } from './people';
import type { Conversation as Row } from '../api/client';

export function ChatView({ route, feed }: { route: Route; feed: FeedState }) {
    const { t } = useTranslation();
    const query = useConversations();
    const conversations = conversationsOf(query.data);
    const names = namesOf(conversations);
    const caller = callerOf(session.current()?.claims?.subject ?? null, conversations);
    const chosen = route.id !== null && /^[1-9][0-9]{0,15}$/.test(route.id) ? Number(route.id) : null;
    const conversation = conversations.find(({ id }) => id === chosen) ?? (chosen === null || query.isPending ? null : unlisted(chosen));
    return (
        <div className={chosen === null ? 'chat chat-list' : 'chat chat-open'}>
            <ConversationList {...{ query, names, caller, chosen }} />
            {conversation ? (
                <Conversation key={conversation.id} {...{ conversation, names, caller, feed }} parameters={route.parameters} />
            ) : (
                <div className="chat-nothing">
                    {chosen !== null && query.isPending && <Loading />}
                    {chosen !== null && query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
                    {chosen === null && (
                        <>
                            <Logo size={72} />
                            <h2>{t('chat.choose')}</h2>
                            <p className="quiet">{t('chat.chooseHint')}</p>
                        </>
                    )}
                </div>
            )}
        </div>
    );
}

/** A conversation that is on no page of the list yet, or that only a reader with more rights may see. */
function unlisted(id: number): Row {
    return { id, user1_id: 0, user2_id: null, created_at: '', updated_at: '', users: [], last_message: null, unread_count: 0, from_archive: false };
}
