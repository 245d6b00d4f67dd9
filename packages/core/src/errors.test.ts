import { describe, expect, it } from 'vitest';
import { errorHints, messageOf, Reto3Error } from './errors.ts';

describe('Reto3Error', () => {
  it('has the cure of its code', () => {
    const error = new Reto3Error('RETO3_NO_DATA', 'nothing was counted');
    expect(error).toMatchObject({
      name: 'Reto3Error',
      code: 'RETO3_NO_DATA',
      message: 'nothing was counted',
      hint: 'widen the range, or add --open',
    });
    expect('cause' in error).toBe(false);
  });

  it('takes a more specific cure, and a cause', () => {
    const cause = new Error('lower');
    const error = new Reto3Error('RETO3_INTERNAL', 'upper', { cause, hint: 'do that' });
    expect(error.hint).toBe('do that');
    expect(error.cause).toBe(cause);
  });
});

describe('messageOf', () => {
  it('returns text for anything thrown', () => {
    expect(messageOf(new RangeError('too far'))).toBe('too far');
    expect(messageOf('a text')).toBe('a text');
    expect(messageOf(undefined)).toBe('undefined');
    expect(messageOf(Object.assign(new Error(), { message: 42 }))).toBe('42');
    expect(messageOf(Object.create(null))).toBe('object');
  });
});

describe('the table of errors', () => {
  it.each(Object.entries(errorHints))(
    '%s has a name that scripts can tell, and a cure',
    (code, hint) => {
      expect(code).toMatch(/^RETO3_[A-Z0-9_]+$/);
      expect(hint).toMatch(/^[^.].*[^.]$/);
    },
  );
});
