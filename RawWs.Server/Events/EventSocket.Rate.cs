using RawWs.Server.Diagnostics;
using RawWs.Server.Transport.Limits;

namespace RawWs.Server.Events;

// How many events the client may send. Touched by the receive loop alone, one event at a time.
public sealed partial class EventSocket
{
    private TokenBucket _rate;

    /// <summary>Counts one event, unless there have been too many.</summary>
    private bool IsAbove(RateLimit rate)
    {
        long now = Hub.Now;
        if (_rate.IsEmpty(rate, now))
            return true;

        _rate.Take(rate, now, 1);
        return false;
    }

    /// <summary>An event is above the rate.</summary>
    /// <returns>Whether it is dropped, by the policy, and its sender told; otherwise it is to wait.</returns>
    private bool Refuses(AckReply? reply)
    {
        Hub.Limits.Reached(LimitKind.SocketEvents, Handshake.Address);
        if (Hub.Options.EventRatePolicy == EventRatePolicy.PushBack)
            return false;

        reply?.SendError(AckException.RateLimited);
        return true;
    }

    private async Task EnterWithinRateAsync(RateLimit rate, EventContext context)
    {
        while (true)
        {
            // Asked for before the look, so that no tick is missed in between.
            Task tick = Hub.Ticks.NextAsync();
            if (!Connected || !IsAbove(rate))
                break;

            await tick.ConfigureAwait(false);
        }

        await EnterLaterAsync(context).ConfigureAwait(false);
    }
}
