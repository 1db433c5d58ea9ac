import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { SignalController } from '../../../src/cli/signals.js';

function controller() {
  const source = new EventEmitter();
  const said: string[] = [];
  const one = new SignalController(source, (code) => said.push(`gave up ${code}`));
  one.install();
  return { source, said, one };
}

describe('with an execution under way', () => {
  it('drains at the first signal, detaches at the second, gives up at the third', () => {
    const { source, said, one } = controller();
    one.onDrain((signal) => said.push(`drain ${signal}`));
    one.onDetach((signal) => said.push(`detach ${signal}`));
    source.emit('SIGINT');
    expect(said).toEqual(['drain SIGINT']);
    expect(one.signal.aborted).toBe(false);
    source.emit('SIGINT');
    expect(said).toEqual(['drain SIGINT', 'detach SIGINT']);
    expect(one.signal.aborted).toBe(true);
    source.emit('SIGTERM');
    expect(said.at(-1)).toBe('gave up 143');
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('drains at %s and ends with 143', (signal) => {
    const { source, said, one } = controller();
    one.onDrain(() => said.push('drain'));
    source.emit(signal);
    expect(said).toEqual(['drain']);
    expect(one.exitCode).toBe(143);
  });
});

describe('without one', () => {
  it('aborts at the first signal and gives up at the second', () => {
    const { source, said, one } = controller();
    source.emit('SIGINT');
    expect(one.signal.aborted).toBe(true);
    expect(one.exitCode).toBe(130);
    source.emit('SIGINT');
    expect(said).toEqual(['gave up 130']);
  });
});

it('leaves no listener behind', () => {
  const { source, one } = controller();
  one.remove();
  expect(source.eventNames()).toEqual([]);
});
