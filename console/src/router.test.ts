import { describe, expect, it } from 'vitest';
import { hashOf, readRoute } from './router';

describe('addresses', () => {
    it('are read as they are written', () => {
        const route = readRoute(hashOf('charts', 'A/B %', { interval: 'week' }));
        expect([route.view, route.id, route.parameters.get('interval')]).toEqual(['charts', 'A/B %', 'week']);
    });

    it('may be badly encoded, and are a view all the same', () => {
        expect(readRoute('#/charts/%').id).toBe('%');
        expect(readRoute('#/nowhere').view).toBe('chat');
    });
});
