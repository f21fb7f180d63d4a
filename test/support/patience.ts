// A bound for tests that hang, not a measure: the machine may be busy. (jest reads no testTimeout of a project.)
import { jest } from '@jest/globals';

jest.setTimeout(60_000);
