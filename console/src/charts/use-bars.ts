import { useInfiniteQuery } from '@tanstack/react-query';
import type { PriceInterval } from '../api/client';
import { useClient } from '../api/server';
import { nextEnd, parametersOf } from './bars';

/** The bars of a stock. An empty symbol has none. */
export function useBars(symbol: string, interval: PriceInterval) {
    const client = useClient();
    return useInfiniteQuery({
        queryKey: ['bars', symbol, interval],
        initialPageParam: null as string | null,
        queryFn: ({ pageParam, signal }) => client.prices(symbol, parametersOf(interval, pageParam), { signal }),
        getNextPageParam: nextEnd,
        enabled: symbol !== '',
        staleTime: 60_000,
    });
}
