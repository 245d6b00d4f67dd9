/**
 * The reports `by:KEY`: messages by path, host, method, status, client or a header, with bounds.
 */
import { combine } from '../aggregates/index.ts';
import type { Message, Report } from '../contract.ts';
import { defineReport } from '../define-report.ts';
import type { Need } from '../needs.ts';

interface Key {
  readonly needs: Need;
  readonly of: (message: Message) => string | number | undefined;
}

function keyNamed(name: string): Key {
  switch (name) {
    case 'path':
      return { needs: 'head', of: ({ path }) => path };
    case 'host':
      return { needs: 'host', of: ({ host }) => host };
    case 'method':
      return { needs: 'head', of: ({ method }) => method };
    case 'status':
      return { needs: 'status', of: ({ status }) => status };
    case 'client':
      return { needs: 'client', of: ({ client }) => client };
    default: {
      const header = name.slice('header:'.length);
      return { needs: `header:${header}`, of: ({ headers }) => headers[header] };
    }
  }
}

/** @param name one that `isBuiltInName` accepts, such as `by:path` */
export function by(name: string): Report {
  const key = name.slice('by:'.length);
  const { needs, of } = keyNamed(key);
  return defineReport({
    name,
    summary: `Messages by ${key.replace(':', ' ')}, with bounds for each count`,
    needs,
    periods: ['ms10', 'sec', 'min'],
    key: of,
    ...combine({}),
  }) as Report;
}
