using RawWs.Server.Transport.Loops;
using RawWs.Tests.Support;

namespace RawWs.Tests.Concurrency;

/// <summary>One that waits for readiness while others set it and close it.</summary>
public sealed class ReadinessConcurrencyTests
{
    [Test]
    public async Task Whoever_waits_is_always_let_go_when_it_closes()
    {
        for (int round = 0; round < LongRun.Or(1_000, 100_000); round++)
        {
            var readiness = new Readiness();
            using var start = new Barrier(3);
            Task<int> waiting = Task.Run(async () =>
            {
                start.SignalAndWait();
                int waits = 0;
                while (true)
                {
                    try
                    {
                        _ = await readiness.WaitAsync();
                    }
                    catch (ObjectDisposedException)
                    {
                        return waits;
                    }

                    readiness.Reset();
                    waits++;
                }
            });
            Task setting = Task.Run(() =>
            {
                start.SignalAndWait();
                for (int i = 0; i < 5; i++)
                    readiness.Set();
            });
            Task closing = Task.Run(() =>
            {
                start.SignalAndWait();
                Thread.SpinWait(round % 50);
                readiness.Close();
            });
            await Task.WhenAll(setting, closing).WaitAsync(WireClient.Patience);
            Assert.That(await waiting.WaitAsync(WireClient.Patience), Is.LessThanOrEqualTo(5));
        }
    }
}
